/* The switchboard of a class's page: switches, accuracies, images, link. The script removal.js computes the predictions. */
(function () {
  "use strict";
  var MOST = 16; // the most bars: with more classes, this class and those that change most
  var MINUS = "\u2212";
  var root = document.documentElement.dataset.root;
  var runs = window.dissectoryRuns;

  /**
   * The page's data about a switchboard; see dissectory.report.switchboard.page.
   * @typedef {{key: string, script: string, class: number, order: number[], images: [number, string][], sprite: string,
   *   columns: number}} Board
   */

  /** @param {string} tag @param {string} [look] a class @param {string} [text] */
  function element(tag, look, text) {
    var made = document.createElement(tag);
    if (look) made.className = look;
    if (text) made.textContent = text;
    return made;
  }
  /** @param {number} share */
  function percent(share) {
    return isFinite(share) ? (100 * share).toFixed(1) + "\u00a0%" : "unknown";
  }
  /** @param {number} now @param {number} before @returns {string} the change in percentage points */
  function change(now, before) {
    var points = (100 * (now - before)).toFixed(1);
    if (!isFinite(now - before)) return "";
    return Number(points) === 0 ? "\u00b10" : points < "0" ? MINUS + points.slice(1) : "+" + points;
  }
  /** @param {number} number @param {string} thing */
  function counted(number, thing) {
    return number + " " + thing + (number === 1 ? "" : "s");
  }

  /** @param {HTMLElement} section */
  function install(section) {
    /** @type {Board} */
    var board = JSON.parse(section.querySelector("script[type='application/json']").textContent);
    var panel = /** @type {HTMLElement} */ (section.querySelector("[data-panel]"));
    var lamps = /** @type {HTMLElement} */ (section.querySelector("[data-lamps]"));
    var status = section.querySelector("[data-status]");
    var said = section.querySelector("[data-unit]");
    /** @type {HTMLButtonElement} */
    var loader = section.querySelector("[data-do=load]");
    var network = null;
    var loading = null;
    /** @type {Set<number>} */
    var off = new Set();
    var before = null;
    /** @type {HTMLButtonElement[]} */
    var buttons = [];
    /** Number of images of each class, and of no class. @type {number[]} */
    var members;

    /** @param {{taken: number[], right: number[]}} outcomes @param {number} number the class's number */
    function balanced(outcomes, number) {
      var others = network.images - members[number];
      var wrong = outcomes.taken[number] - outcomes.right[number];
      return (outcomes.right[number] / members[number] + 1 - wrong / others) / 2;
    }

    /* Elements that are made once. */

    function make() {
      var layer = network.layer;
      before = network.count(network.original);
      members = layer.classes.map(function (_, number) {
        return layer.own.filter(function (own) {
          return own === number;
        }).length;
      });
      board.order.forEach(function (unit, place) {
        buttons.push(lamp(unit, place));
      });
      lamps.append.apply(lamps, buttons);
      go(0);
      var rows = Math.ceil(board.images.length / board.columns);
      section.querySelector("[data-answers]").append.apply(
        section.querySelector("[data-answers]"),
        board.images.map(function (image, place) {
          return answer(image, place, rows);
        }),
      );
    }

    /** Make the switch of a unit. @param {number} unit @param {number} place in the order of importance */
    function lamp(unit, place) {
      var label = network.layer.units[unit];
      var button = element("button", "lamp " + label[1]);
      button.type = "button";
      button.tabIndex = -1;
      button.dataset.place = String(place);
      button.setAttribute("role", "switch");
      button.setAttribute("aria-label", "Unit " + unit + ", " + (label[0] || "no concept"));
      button.append(element("i"), element("b", "", String(unit)), element("span", "", label[0] || "no concept"));
      return button;
    }

    /** Make an image with a place for its prediction. @param {[number, string]} image @param {number} place @param {number} rows */
    function answer(image, place, rows) {
      var item = element("li");
      var tile = element("span", "tile");
      var picture = element("img");
      picture.src = root + board.sprite;
      picture.alt = "";
      tile.append(picture);
      tile.style.cssText = "--n:" + board.columns + ";--m:" + rows + ";--c:" + (place % board.columns) + ";--r:" + Math.floor(place / board.columns);
      item.append(tile, element("span", "says"));
      item.title = image[1];
      return item;
    }

    /* Elements that follow the switches. */

    function show() {
      var began = performance.now();
      var predicted = network.without(off);
      var took = performance.now() - began;
      var now = network.count(predicted);
      buttons.forEach(function (button, place) {
        button.setAttribute("aria-checked", String(!off.has(board.order[place])));
      });
      section.querySelectorAll("[data-do]").forEach(function (button) {
        var wanted = chosen(/** @type {HTMLElement} */ (button));
        if (wanted) button.setAttribute("aria-pressed", String(equal(wanted, off)));
      });
      var moved = predicted.filter(function (output, image) {
        return output !== network.original[image] && network.layer.own[image] === board.class;
      }).length;
      dial("class", balanced(now, board.class), balanced(before, board.class));
      dial("all", now.correct / labelled(), before.correct / labelled());
      bars(now);
      answers(predicted);
      var count = off.size ? counted(off.size, "unit") + " of " + network.units + " off" : "All " + counted(network.units, "unit") + " on";
      status.textContent = count + ". " + counted(moved, "image") + " of " + members[board.class] + " with a changed prediction.";
      section.querySelector("[data-says]").textContent =
        network.layer.classes[board.class] + ": balanced accuracy " + percent(balanced(now, board.class)) + ", accuracy over all classes " + percent(now.correct / labelled());
      panel.dataset.off = String(off.size);
      panel.dataset.taken = String(now.taken[board.class]);
      panel.dataset.right = String(now.right[board.class]);
      panel.dataset.correct = String(now.correct);
      panel.dataset.took = String(took);
    }

    function labelled() {
      return members.reduce(function (sum, count) {
        return sum + count;
      }, 0);
    }

    /** @param {string} name @param {number} now @param {number} was */
    function dial(name, now, was) {
      var place = section.querySelector("[data-dial=" + name + "] dd");
      place.querySelector("b").textContent = percent(now);
      place.querySelector("span").textContent = off.size ? change(now, was) + " points, from " + percent(was) : "with all units";
      place.classList.toggle("less", now < was);
    }

    /** Draw the bars of this class and the others; with many classes, of those that change most. @param {Outcomes} now */
    function bars(now) {
      var numbers = Array.from(network.layer.classes.keys()).filter(function (number) {
        return members[number] > 0 && members[number] < network.images;
      });
      if (numbers.length > MOST) {
        var moved = function (number) {
          return number === board.class ? Infinity : Math.abs(balanced(now, number) - balanced(before, number));
        };
        numbers.sort(function (one, other) {
          return moved(other) > moved(one) ? 1 : moved(other) < moved(one) ? -1 : one - other;
        });
        section.querySelector("[data-caption]").textContent = "Balanced accuracy of this class, and of the " + (MOST - 1) + " others that change most";
        numbers = numbers.slice(0, MOST);
      }
      section.querySelector("[data-bars]").replaceChildren.apply(
        section.querySelector("[data-bars]"),
        numbers.map(function (number) {
          var row = element("tr", "above" + (number === board.class ? " own" : ""));
          var name = element("th", "", network.layer.classes[number]);
          name.scope = "row";
          var bar = element("span", "bar");
          var share = balanced(now, number);
          bar.style.cssText = "--w:" + 100 * share + "%;--at:" + 100 * balanced(before, number) + "%";
          var cell = element("td");
          cell.append(bar);
          row.append(name, cell, element("td", "n", percent(share)), element("td", "n soft", off.size ? change(share, balanced(before, number)) : ""));
          return row;
        }),
      );
    }

    /** @param {Int32Array} predicted */
    function answers(predicted) {
      var layer = network.layer;
      section.querySelectorAll("[data-answers] > li").forEach(function (item, place) {
        var image = board.images[place][0];
        var output = predicted[image];
        var moved = output !== network.original[image];
        item.classList.toggle("moved", moved);
        item.classList.toggle("wrong", layer.stands[output] !== board.class);
        item.querySelector(".says").textContent = (moved ? "\u2192 " : "") + (layer.stands[output] < 0 ? layer.outputs[output] : layer.classes[layer.stands[output]]);
      });
    }

    /* Switching units. */

    /** Return the units that a button switches off; null if they are random. @param {HTMLElement} button @returns {Set<number> | null} */
    function chosen(button) {
      var size = Number(button.dataset.size);
      if (button.dataset.do === "all") return new Set();
      if (button.dataset.do === "remove") return new Set(board.order.slice(0, size));
      return button.dataset.do === "keep" ? new Set(board.order.slice(size)) : null;
    }
    /** @param {Set<number>} one @param {Set<number>} other */
    function equal(one, other) {
      return (
        one.size === other.size &&
        Array.from(one).every(function (unit) {
          return other.has(unit);
        })
      );
    }
    /** @param {number} size @returns {Set<number>} */
    function drawn(size) {
      var units = board.order.slice();
      for (var place = 0; place < size; place++) {
        var other = place + Math.floor(Math.random() * (units.length - place));
        var unit = units[place];
        units[place] = units[other];
        units[other] = unit;
      }
      return new Set(units.slice(0, size));
    }

    /** Switch units, and write them to the link. @param {Set<number>} wanted the units to switch off */
    function changeTo(wanted) {
      off = wanted;
      try {
        var parts = new URLSearchParams({ layer: board.key, off: runs.packed(off, network.units) });
        window.history.replaceState(null, "", off.size ? "#" + parts : location.href.split("#")[0]);
      } catch (error) {
        /* The browser limits how often the link changes; the next switch writes it again. */
      }
      show();
    }

    /** Move to the switch of a unit, and describe the unit. @param {number} place */
    function go(place) {
      buttons.forEach(function (button, at) {
        button.tabIndex = at === place ? 0 : -1;
      });
      var unit = board.order[place];
      var label = network.layer.units[unit];
      var link = element("a", "", "Unit " + unit);
      link.href = root + label[2];
      said.replaceChildren(link, ", " + (place + 1) + " of " + network.units + " in importance: " + (label[0] || "no concept") + (label[3] ? " (may be chance)" : ""));
    }

    /** @param {HTMLElement} button a unit's @param {string} key @returns {number} the place that an arrow key leads to */
    function beside(button, key) {
      var place = Number(button.dataset.place);
      var columns = buttons.filter(function (other) {
        return other.offsetTop === buttons[0].offsetTop;
      }).length;
      var by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -place, End: buttons.length - 1 - place }[key];
      if (by === undefined) return -1;
      var there = place + by;
      return there >= 0 && there < buttons.length ? there : place;
    }

    lamps.addEventListener("keydown", function (event) {
      var button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(".lamp"));
      if (!button || event.ctrlKey || event.metaKey || event.altKey) return;
      var there = beside(button, event.key);
      if (there < 0) return;
      event.preventDefault();
      buttons[there].focus();
    });
    lamps.addEventListener("focusin", function (event) {
      go(Number(/** @type {HTMLElement} */ (event.target).dataset.place));
    });
    lamps.addEventListener("click", function (event) {
      var button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(".lamp"));
      if (!button) return;
      var unit = board.order[Number(button.dataset.place)];
      var wanted = new Set(off);
      if (!wanted.delete(unit)) wanted.add(unit);
      go(Number(button.dataset.place));
      changeTo(wanted);
    });
    section.addEventListener("click", function (event) {
      var pressed = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-do]"));
      if (!pressed) return;
      if (pressed.dataset.do === "load") load().then(follow);
      else if (pressed.dataset.do === "link") share(pressed);
      else changeTo(chosen(pressed) || drawn(Number(pressed.dataset.size)));
    });

    /** Copy the page's address; if that is not allowed, say where the address is. @param {HTMLElement} button */
    function share(button) {
      var says = button.textContent;
      var copied = navigator.clipboard ? navigator.clipboard.writeText(location.href) : Promise.reject(new Error());
      copied
        .then(
          function () {
            return "Copied";
          },
          function () {
            return "The link is in the address bar";
          },
        )
        .then(function (answer) {
          button.textContent = answer;
          window.setTimeout(function () {
            button.textContent = says;
          }, 2000);
        });
    }

    /** Load the network, once. @returns {Promise<void>} */
    function load() {
      if (loading) return loading;
      status.textContent = "The switchboard is loading \u2026";
      loader.disabled = true;
      loading = window.dissectoryRemoval.load(board.key, board.script).then(
        function (ready) {
          network = ready;
          make();
          loader.parentElement.hidden = true;
          panel.hidden = false;
          show();
        },
        function (error) {
          loading = null;
          loader.disabled = false;
          status.textContent = "The switchboard could not be loaded: " + error.message + ".";
        },
      );
      return loading;
    }

    /** Apply the link, if it is for this layer. */
    function follow() {
      var parts = new URLSearchParams(location.hash.slice(1));
      if (!parts.has("off") || parts.get("layer") !== board.key) return;
      load().then(function () {
        if (!network) return;
        var wanted = runs.unpacked(parts.get("off"), network.units);
        if (wanted) {
          off = wanted;
          show();
          section.scrollIntoView();
        } else status.textContent = "This link names units that are not in this layer. Nothing was switched.";
      });
    }
    window.addEventListener("hashchange", follow);
    follow();
  }

  document.querySelectorAll("[data-switchboard]").forEach(install);
})();
