/* The page to paint on: brush, pictures, history, link. The scripts strokes.js and generator.js do the rest. */
(function () {
  "use strict";
  var store = document.querySelector("[data-generator]");
  if (!store) return;
  /** @type {Painting} */
  var painting = JSON.parse(store.textContent);
  var tools = window.dissectoryStrokes;
  /** @type {[number, number]} */
  var grid = [painting.inputs[0][1][1], painting.inputs[0][1][2]];
  var SLOW = 150; // milliseconds: a slower generator runs after a stroke, not during it

  var page = /** @type {HTMLElement} */ (store.closest(".paint"));
  var stage = /** @type {HTMLElement} */ (page.querySelector("[data-stage]"));
  var original = stage.querySelector("img");
  var canvas = /** @type {HTMLCanvasElement} */ (stage.querySelector("[data-picture]"));
  var tint = /** @type {HTMLCanvasElement} */ (stage.querySelector("[data-tint]"));
  var cursor = /** @type {HTMLElement} */ (stage.querySelector("[data-cursor]"));
  var status = page.querySelector("[data-status]");
  var where = page.querySelector("[data-where]");
  var form = page.querySelector("form");
  canvas.width = painting.picture[1];
  canvas.height = painting.picture[0];

  var histories = painting.seeds.map(function () {
    return new tools.History();
  });
  var image = 0;
  /** The cell at the keyboard cursor or the pointer. @type {[number, number]} */
  var cell = [grid[0] >> 1, grid[1] >> 1];
  /** The unfinished stroke. @type {Stroke | null} */
  var live = null;
  /** @type {((image: number, strokes: Stroke[]) => Promise<ImageData>) | null} */
  var generator = null;
  /** @type {Promise<void> | null} */
  var loading = null;
  var took = 0;
  /** The generation in progress. @type {Promise<void> | null} */
  var drawing = null;
  var wanted = false;
  /** The error in the link, until something is painted. */
  var notice = "";

  /** @param {string} name */
  function field(name) {
    return /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
  }
  function paint() {
    return Number(field("paint").value);
  }
  function erases() {
    return field("mode").value === "erase";
  }
  /** @returns {number} diameter of the brush in cells */
  function size() {
    return 2 * Number(field("size").value) - 1;
  }
  function strength() {
    return Number(field("strength").value) / 100;
  }
  /** @returns {Stroke[]} the strokes on the image, including the unfinished one */
  function strokes() {
    var done = histories[image].strokes();
    return live ? done.concat(live) : done;
  }
  /** @param {string} name @returns {HTMLButtonElement} */
  function button(name) {
    return page.querySelector('[data-do="' + name + '"]');
  }
  /** @param {string} text @param {string} [kind] "wrong" for an error */
  function say(text, kind) {
    if (status.textContent !== text) status.textContent = text; // a screen reader would read the same text again
    status.className = "status " + (kind || "");
  }
  /** @param {number} number @param {string} thing */
  function counted(number, thing) {
    return number + " " + thing + (number === 1 ? "" : "s");
  }

  /* The picture. */

  /** Let the browser show the status and handle the pointer. @returns {Promise<void>} */
  function frame() {
    return new Promise(function (resolve) {
      requestAnimationFrame(function () {
        window.setTimeout(resolve);
      });
    });
  }

  /** Generate the picture. @returns {Promise<void>} resolved when the picture is up to date */
  function redraw() {
    wanted = true;
    if (generator && !drawing) drawing = draw();
    return drawing || Promise.resolve();
  }

  async function draw() {
    try {
      while (wanted) {
        wanted = false;
        if (took >= SLOW && !live) {
          say("Generating the picture …");
          await frame();
        }
        var shown = image;
        var began = performance.now();
        var picture = await generator(shown, strokes());
        took = performance.now() - began;
        if (shown !== image) continue;
        canvas.getContext("2d").putImageData(picture, 0, 0);
        stage.dataset.drawn = "yes";
        if (!live) conclude();
        await frame();
      }
    } catch (error) {
      say("The picture could not be generated: " + error.message, "wrong");
    }
    drawing = null;
  }

  /** @param {Stroke[]} done */
  function told(done) {
    var last = done[done.length - 1];
    var does = (last.erases ? "erases " : "draws ") + painting.paints[last.paint][0];
    var where = " in " + last.cells.size + " of " + counted(grid[0] * grid[1], "cell") + ".";
    return counted(done.length, "stroke") + (done.length === 1 ? ": it " : "; the last ") + does + where;
  }

  /** Show the state of the picture. */
  function conclude() {
    var done = histories[image].strokes();
    stage.dataset.strokes = String(done.length);
    if (notice) say(notice, "wrong");
    else if (done.length) say(told(done) + " The generator made the new picture in " + Math.max(1, Math.round(took)) + " ms.");
    else if (histories[image].steps.length > 1) say("No strokes: this is the original picture.");
    else say("Ready. Choose a concept, and paint on the picture.");
  }

  /** Load the generator, once. @returns {Promise<void>} */
  function load() {
    if (loading) return loading;
    button("load").hidden = true;
    say("The generator is loading (" + status.dataset.size + ") …");
    loading = window.dissectoryGenerator
      .load(painting, function (share) {
        if (loading && !generator) say("The generator is loading (" + status.dataset.size + "): " + 20 * Math.floor(5 * share) + " %.");
      })
      .then(
        function (ready) {
          generator = ready;
          page.dataset.ready = "yes";
          button("save").disabled = false;
          return redraw();
        },
        function (error) {
          loading = null;
          button("load").hidden = false;
          var advice = location.protocol === "file:" ? status.dataset.served : "Check that the server is running and can be reached.";
          say("The generator could not be loaded: " + error.message + ". " + advice, "wrong");
        },
      );
    return loading;
  }

  /* The page follows the strokes. */

  /** Update everything that depends on the strokes, and generate the picture. */
  function show() {
    var history = histories[image];
    button("undo").disabled = history.at === 0;
    button("redo").disabled = history.at === history.steps.length - 1;
    button("reset").disabled = !history.strokes().length;
    showBefore(false);
    redraw();
  }

  /** Show new strokes, and write them to the link. */
  function change() {
    notice = "";
    try {
      window.history.replaceState(null, "", tools.fragment(painting, image, histories[image].strokes()));
    } catch (error) {
      /* The browser limits how often the link changes; the next stroke writes it again. */
    }
    show();
  }

  /** @param {boolean} on */
  function showBefore(on) {
    stage.dataset.shows = on ? "before" : "after";
    button("before").setAttribute("aria-pressed", String(on));
  }

  /** Discard the unfinished stroke. */
  function drop() {
    live = null;
    delete stage.dataset.painting;
  }

  /** Show another image with its strokes. @param {number} place */
  function choose(place) {
    drop();
    image = place;
    var input = /** @type {HTMLInputElement} */ (page.querySelectorAll("[name=image]")[place]);
    input.checked = true;
    original.src = /** @type {HTMLImageElement} */ (input.parentElement.querySelector("img")).src;
    delete stage.dataset.drawn;
    show();
  }

  /** Show the strokes in the link. */
  function follow() {
    var edit = tools.parsed(painting, location.hash);
    notice = edit
      ? ""
      : "This link cannot be used: it names a picture or a concept that is not on this page, or it is incomplete or too long. Nothing was painted.";
    if (edit) {
      histories[edit.image] = new tools.History();
      if (edit.strokes.length) histories[edit.image].put(edit.strokes);
    }
    choose(edit ? edit.image : image);
  }

  /** Show the settings of the tools. */
  function showTools() {
    var color = painting.paints[paint()][1];
    page.style.setProperty("--k", color);
    page.dataset.mode = erases() ? "erase" : "draw";
    field("strength").disabled = erases();
    field("size").nextElementSibling.textContent = counted(size(), "cell") + " across";
    field("strength").nextElementSibling.textContent = erases() ? "to zero" : field("strength").value + " % of the level";
    page.querySelectorAll("[data-units]").forEach(function (line, place) {
      /** @type {HTMLElement} */ (line).hidden = place !== paint();
    });
    mark();
  }

  /* The brush. */

  /** Color and outline the cells under the brush, and those of a stroke whose picture is not generated yet. */
  function mark() {
    var side = Math.max(4, Math.round(stage.clientWidth / grid[1]));
    tint.width = grid[1] * side; // also clears the canvas
    tint.height = grid[0] * side;
    var context = tint.getContext("2d");
    var covered = new Set(live && took >= SLOW ? live.cells : []);
    if (stage.matches(":hover, :focus-visible") || live) {
      tools.dab(cell[0], cell[1], size(), grid).forEach(function (one) {
        covered.add(one);
      });
    }
    /** @param {string} color @param {number} alpha @param {number} inset distance from the edge of the covered cells */
    function fill(color, alpha, inset) {
      context.fillStyle = color;
      context.globalAlpha = alpha;
      covered.forEach(function (one) {
        var row = Math.floor(one / grid[1]);
        var column = one % grid[1];
        var left = column && covered.has(one - 1) ? 0 : inset;
        var right = column < grid[1] - 1 && covered.has(one + 1) ? 0 : inset;
        var top = covered.has(one - grid[1]) ? 0 : inset;
        var base = covered.has(one + grid[1]) ? 0 : inset;
        var place = [column * side + left, row * side + top, side - left - right, side - top - base];
        context.clearRect(place[0], place[1], place[2], place[3]);
        context.fillRect(place[0], place[1], place[2], place[3]);
      });
    }
    fill("#000", 1, 0);
    fill("#fff", 1, 1);
    fill(erases() ? "#000" : painting.paints[paint()][1], 0.34, 2);
    cursor.style.left = (100 * cell[1]) / grid[1] + "%";
    cursor.style.top = (100 * cell[0]) / grid[0] + "%";
  }

  /** Load the generator, unless the reader has to ask for it first. */
  function prepare() {
    if (location.protocol === "file:" && !painting.offline) say(status.dataset.served, "wrong");
    else if (button("load").hidden) load();
    else say("The generator is not loaded yet: load the generator first.", "wrong");
  }

  function start() {
    if (!generator) {
      prepare();
      return;
    }
    finish(true);
    showBefore(false);
    live = { paint: paint(), erases: erases(), strength: erases() ? 1 : strength(), cells: new Set() };
    stage.dataset.painting = "yes";
    cover(cell);
  }

  /** Move to a cell; an unfinished stroke covers all cells on the way. @param {[number, number]} to */
  function cover(to) {
    var from = cell;
    cell = to;
    if (live) {
      var steps = Math.max(Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1]), 1);
      for (var step = 0; step <= steps; step++) {
        var row = Math.round(from[0] + ((to[0] - from[0]) * step) / steps);
        var column = Math.round(from[1] + ((to[1] - from[1]) * step) / steps);
        tools.dab(row, column, size(), grid).forEach(function (one) {
          live.cells.add(one);
        });
      }
      if (took < SLOW) redraw();
    }
    mark();
  }

  /** End the unfinished stroke. @param {boolean} keep whether to keep the stroke */
  function finish(keep) {
    if (!live) return;
    var done = live;
    drop();
    if (keep) histories[image].put(histories[image].strokes().concat(done));
    change();
    mark();
  }

  /** @param {PointerEvent} event @returns {[number, number]} the cell under the pointer, or the nearest one */
  function under(event) {
    var box = stage.getBoundingClientRect();
    var row = Math.floor(((event.clientY - box.top) / box.height) * grid[0]);
    var column = Math.floor(((event.clientX - box.left) / box.width) * grid[1]);
    return [Math.max(0, Math.min(grid[0] - 1, row)), Math.max(0, Math.min(grid[1] - 1, column))];
  }

  stage.addEventListener("pointerdown", function (event) {
    if (event.button !== 0 || !event.isPrimary) return;
    cell = under(event);
    stage.setPointerCapture(event.pointerId);
    start();
  });
  stage.addEventListener("pointermove", function (event) {
    if (event.isPrimary) cover(under(event));
  });
  stage.addEventListener("pointerup", function () {
    finish(true);
  });
  stage.addEventListener("pointercancel", function () {
    finish(false);
  });
  ["pointerleave", "focus", "blur"].forEach(function (name) {
    stage.addEventListener(name, mark);
  });

  var ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  stage.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    var arrow = ARROWS[event.key];
    if (arrow) {
      var row = Math.max(0, Math.min(grid[0] - 1, cell[0] + arrow[0]));
      cover([row, Math.max(0, Math.min(grid[1] - 1, cell[1] + arrow[1]))]);
      where.textContent = "Row " + (cell[0] + 1) + ", column " + (cell[1] + 1);
    } else if (event.key === " " && !event.repeat) start();
    else if (event.key === "Enter") {
      start();
      finish(true);
    } else if (event.key === "Escape") finish(false);
    else if (event.key === "e") {
      field("mode").value = erases() ? "draw" : "erase";
      showTools();
      where.textContent = (erases() ? "Erases " : "Draws ") + painting.paints[paint()][0];
    } else if (event.key === "[" || event.key === "]") {
      var input = field("size");
      if (event.key === "[") input.stepDown();
      else input.stepUp();
      showTools();
      where.textContent = counted(size(), "cell") + " across";
    } else if (event.key === "b") {
      showBefore(stage.dataset.shows !== "before");
      where.textContent = stage.dataset.shows === "before" ? "Before" : "After";
    } else if (event.key !== " ") return;
    event.preventDefault();
  });
  stage.addEventListener("keyup", function (event) {
    if (event.key === " ") finish(true);
  });
  stage.addEventListener("blur", function () {
    finish(true);
  });

  /* Buttons and links. */

  /** Undo or redo; undo first discards an unfinished stroke. @param {number} by */
  function step(by) {
    if (live) finish(false);
    else if (histories[image].go(by)) change();
  }

  /** Save the picture as a file. */
  function save() {
    canvas.toBlob(function (content) {
      var link = document.createElement("a");
      link.href = URL.createObjectURL(content);
      link.download = "painted-" + painting.seeds[image] + ".png";
      link.click();
      window.setTimeout(function () {
        URL.revokeObjectURL(link.href);
      }, 1000);
    }, "image/png");
  }

  /** Copy the page's address; if that is not allowed, say where the address is. */
  function share() {
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
        button("link").textContent = answer;
        where.textContent = answer;
        window.setTimeout(function () {
          button("link").textContent = "Copy link";
        }, 2000);
      });
  }

  var DO = {
    load: load,
    undo: function () {
      step(-1);
    },
    redo: function () {
      step(1);
    },
    reset: function () {
      histories[image].put([]);
      change();
    },
    before: function () {
      showBefore(stage.dataset.shows !== "before");
    },
    save: function () {
      redraw().then(save);
    },
    link: share,
  };
  page.addEventListener("click", function (event) {
    var pressed = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-do]"));
    if (pressed) DO[pressed.dataset.do]();
  });
  document.addEventListener("keydown", function (event) {
    var text = /** @type {Element} */ (event.target).matches("input[type=search], textarea");
    if (text || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    var key = event.key.toLowerCase();
    if (key !== "z" && key !== "y") return;
    event.preventDefault();
    step(key === "y" || event.shiftKey ? 1 : -1);
  });
  form.addEventListener("submit", function (event) {
    event.preventDefault();
  });
  form.addEventListener("input", showTools);
  page.querySelector("[data-images]").addEventListener("change", function (event) {
    choose(Number(/** @type {HTMLInputElement} */ (event.target).value));
    change();
  });
  window.addEventListener("hashchange", function () {
    if (tools.held(location.hash)) follow();
  });

  form.reset(); // some browsers restore earlier choices, which would not match the page
  showTools();
  if (tools.held(location.hash)) follow();
  else choose(0);
  if (location.protocol === "file:" && !painting.offline) {
    say(status.dataset.served, "wrong");
  } else if (page.dataset.asks) button("load").hidden = false;
  else load();
})();
