/* The gallery: a reader points at a concept; it is highlighted on every image and every label map, and the rest is dimmed. */
(function () {
  "use strict";
  var store = document.getElementById("regions");
  if (!store) return;
  /** @type {{grid: number, concepts: [string, string][], images: Record<string, [number, string][]>}} */
  var data = JSON.parse(store.textContent);
  var gallery = store.closest(".gallery");
  var readout = gallery.querySelector("[data-readout]");
  var rest = readout.textContent;
  var positions = data.grid * data.grid;
  var SHADE = 0xb0000000; // the darkness of the masks of sprites, in the byte order of a pixel
  /** The concept that stays highlighted, and the one that is highlighted now. @type {number | null} */
  var kept = null;
  /** @type {number | null} */
  var lit = null;

  /**
   * A concept in an image: its number, its mask, and its area in positions.
   * @typedef {{concept: number, mask: Uint8Array, area: number}} Region
   */

  /** @type {Map<string, Region[]>} */
  var decoded = new Map();

  /**
   * Return the regions of an image, largest first; they are decoded at the first call.
   * @param {HTMLElement} pair
   * @returns {Region[]}
   */
  function regions(pair) {
    var image = pair.dataset.image;
    if (!decoded.has(image)) {
      decoded.set(
        image,
        data.images[image].map(function (row) {
          var mask = new Uint8Array(positions);
          var at = 0;
          var area = 0;
          row[1].split(" ").forEach(function (text, place) {
            var length = Number(text);
            if (place % 2) {
              mask.fill(1, at, at + length);
              area += length;
            }
            at += length;
          });
          return { concept: row[0], mask: mask, area: area };
        }),
      );
    }
    return decoded.get(image);
  }

  /** @returns {string} the category that the maps show */
  function kind() {
    return /** @type {HTMLInputElement} */ (gallery.querySelector("[name=kind]:checked")).value;
  }

  /** @param {HTMLElement} pair @returns {Region[]} the regions of the category that the maps show */
  function shown(pair) {
    var category = kind();
    return regions(pair).filter(function (region) {
      return data.concepts[region.concept][1] === category;
    });
  }

  /** @param {number} concept @returns {HTMLElement} the concept's button in the legend */
  function key(concept) {
    return gallery.querySelector('[data-concept="' + concept + '"]');
  }

  /**
   * Dim an image or a map outside of a mask; without a mask, show it unchanged.
   * @param {HTMLElement} sheet
   * @param {Uint8Array | null} mask
   */
  function dim(sheet, mask) {
    var canvas = sheet.querySelector("canvas");
    if (!mask) {
      if (canvas) canvas.remove();
      return;
    }
    if (!canvas) {
      canvas = document.createElement("canvas");
      canvas.width = canvas.height = data.grid;
      sheet.append(canvas);
    }
    var pixels = new Uint32Array(positions);
    mask.forEach(function (inside, place) {
      pixels[place] = inside ? 0 : SHADE;
    });
    var picture = new ImageData(new Uint8ClampedArray(pixels.buffer), data.grid);
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }

  /** Make a small square in a concept's color. @param {number} concept */
  function swatch(concept) {
    return key(concept).querySelector("i").cloneNode();
  }

  /**
   * Show the name of the highlighted concept, with a link to its page.
   * @param {number | null} concept
   */
  function say(concept) {
    readout.classList.toggle("on", concept !== null);
    if (concept === null) {
      readout.textContent = rest;
      return;
    }
    var name = document.createElement("b");
    name.textContent = data.concepts[concept][0];
    var button = key(concept);
    var link = /** @type {HTMLAnchorElement} */ (button.parentElement.querySelector("a").cloneNode());
    link.textContent = "which units detect it?";
    link.removeAttribute("aria-label");
    readout.replaceChildren(swatch(concept), name, " " + button.querySelector(".n").textContent + ", " + button.title + ": ", link);
  }

  /**
   * Highlight a concept everywhere, or nothing.
   * @param {number | null} concept
   */
  function light(concept) {
    if (concept === lit) return;
    lit = concept;
    gallery.querySelectorAll(".pair").forEach(function (element) {
      var pair = /** @type {HTMLElement} */ (element);
      var region = regions(pair).find(function (one) {
        return one.concept === concept;
      });
      var mask = concept === null ? null : region ? region.mask : new Uint8Array(positions);
      pair.querySelectorAll(".sheet").forEach(function (sheet) {
        dim(/** @type {HTMLElement} */ (sheet), mask);
      });
    });
    gallery.querySelectorAll(".keys .lit").forEach(function (button) {
      button.classList.remove("lit");
    });
    if (concept !== null) {
      var button = key(concept);
      var list = /** @type {HTMLElement} */ (button.closest(".keys"));
      button.classList.add("lit");
      var above = button.offsetTop - list.offsetTop; // only the list scrolls, never the page
      if (above < list.scrollTop) list.scrollTop = above;
      else if (above + button.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = above + button.offsetHeight - list.clientHeight;
    }
    say(concept);
  }

  /**
   * Keep a concept highlighted; a second call, or a call without a concept, releases it.
   * @param {number | null} concept
   */
  function keep(concept) {
    kept = concept === kept ? null : concept;
    gallery.querySelectorAll("[data-concept]").forEach(function (button) {
      button.setAttribute("aria-pressed", String(Number(/** @type {HTMLElement} */ (button).dataset.concept) === kept));
    });
    light(kept);
  }

  /** Remove the name at the pointer. */
  function untag() {
    gallery.querySelectorAll(".tag").forEach(function (tag) {
      tag.remove();
    });
  }

  /**
   * Show the names of regions at a position of an image and its map.
   * @param {HTMLElement} pair
   * @param {Region[]} found
   * @param {number} x
   * @param {number} y
   */
  function tag(pair, found, x, y) {
    untag();
    if (!found.length) return;
    var label = document.createElement("span");
    label.className = "tag";
    found.forEach(function (region, place) {
      label.append(place ? ", " : "", swatch(region.concept), data.concepts[region.concept][0]);
    });
    var share = (100 * found[0].area) / positions;
    if (found.length === 1) label.append(share < 0.05 ? " < 0.1 %" : " " + share.toFixed(1) + " %");
    pair.append(label);
    var left = Math.max(0, Math.min(pair.clientWidth - label.offsetWidth, x - label.offsetWidth / 2));
    var above = y - label.offsetHeight - 14;
    label.style.transform = "translate(" + left + "px," + (above < -20 ? y + 18 : above) + "px)";
  }

  /**
   * Return the regions under the pointer, smallest first.
   * @param {MouseEvent} event
   * @returns {Region[]}
   */
  function under(event) {
    var sheet = /** @type {HTMLElement} */ (/** @type {Element} */ (event.target).closest(".sheet"));
    var box = sheet.getBoundingClientRect();
    var column = Math.floor(((event.clientX - box.left) / box.width) * data.grid);
    var row = Math.floor(((event.clientY - box.top) / box.height) * data.grid);
    if (Math.min(row, column) < 0 || Math.max(row, column) >= data.grid) return [];
    return shown(sheet.closest(".pair"))
      .filter(function (region) {
        return region.mask[row * data.grid + column];
      })
      .reverse();
  }

  /** Highlight and name the region under the pointer. @param {MouseEvent} event */
  function point(event) {
    var pair = /** @type {HTMLElement} */ (/** @type {Element} */ (event.target).closest(".pair"));
    var found = under(event);
    var box = pair.getBoundingClientRect();
    light(found.length ? found[0].concept : kept);
    tag(pair, found, event.clientX - box.left, event.clientY - box.top);
    return found;
  }

  /**
   * Move from one region of a map to the next with the arrow keys.
   * @param {KeyboardEvent} event
   * @param {HTMLElement} map
   */
  function step(event, map) {
    var by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    var pair = /** @type {HTMLElement} */ (map.closest(".pair"));
    var found = shown(pair);
    if (!by || !found.length) return;
    event.preventDefault();
    var at = found.findIndex(function (region) {
      return region.concept === lit;
    });
    var next = found[at < 0 ? (by > 0 ? 0 : found.length - 1) : (at + by + found.length) % found.length];
    light(next.concept);
    var first = next.mask.indexOf(1);
    var side = map.clientWidth / data.grid;
    tag(pair, [next], map.offsetLeft + ((first % data.grid) + 0.5) * side, (Math.floor(first / data.grid) + 0.5) * side);
  }

  // React only if the mouse moves, not if the page scrolls under a resting mouse.
  gallery.addEventListener("pointermove", function (event) {
    if (/** @type {PointerEvent} */ (event).pointerType !== "mouse") return;
    var target = /** @type {Element} */ (event.target);
    if (target.closest(".sheet")) {
      point(/** @type {MouseEvent} */ (event));
      return;
    }
    var button = /** @type {HTMLElement | null} */ (target.closest("[data-concept]"));
    untag();
    if (button) light(Number(button.dataset.concept));
    else if (!target.closest(".readout, .keys")) light(kept);
  });
  gallery.addEventListener("pointerleave", function () {
    untag();
    light(kept);
  });
  gallery.addEventListener("focusin", function (event) {
    var button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-concept]"));
    if (button && button.matches(":focus-visible")) light(Number(button.dataset.concept));
  });
  gallery.addEventListener("focusout", function () {
    untag();
    light(kept);
  });
  gallery.addEventListener("click", function (event) {
    var target = /** @type {Element} */ (event.target);
    var button = /** @type {HTMLElement | null} */ (target.closest("[data-concept]"));
    if (button) keep(Number(button.dataset.concept));
    if (!target.closest(".sheet")) return;
    if (/** @type {MouseEvent} */ (event).detail === 0) keep(lit); // a key press, not a click
    else {
      var found = point(/** @type {MouseEvent} */ (event));
      keep(found.length ? found[0].concept : null);
    }
  });
  gallery.addEventListener("keydown", function (event) {
    var map = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(".map"));
    if (map) step(/** @type {KeyboardEvent} */ (event), map);
  });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    untag();
    keep(null);
  });
  gallery.addEventListener("change", function () {
    untag();
    keep(null);
  });
})();
