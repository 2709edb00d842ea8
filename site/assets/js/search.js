/* Search for layers, concepts, classes and units. The index is a script with columns, loaded when a reader starts to search. */
(function () {
  "use strict";
  var MOST = { layers: 5, concepts: 8, classes: 6, units: 24 };
  var root = document.documentElement.dataset.root;
  var input = /** @type {HTMLInputElement} */ (document.getElementById("search"));
  var list = document.getElementById("found");
  var status = document.getElementById("found-count");
  /** @type {any} */
  var index = null;
  var asked = false;
  var chosen = -1;

  /** Load the index once; search again when it is loaded. */
  function load() {
    if (asked) return;
    asked = true;
    var script = document.createElement("script");
    script.src = root + "search-index.js";
    script.onload = function () {
      index = window.dissectoryIndex;
      index.layerNames = index.layers.map(function (layer) {
        return layer[0].toLowerCase();
      });
      index.conceptNames = index.concepts.map(function (concept) {
        return concept[0].toLowerCase();
      });
      index.classNames = index.classes.map(function (one) {
        return one[0].toLowerCase();
      });
      search();
    };
    script.onerror = function () {
      asked = false;
      say("The search index could not be loaded. Reload the page to try again.");
    };
    document.head.append(script);
  }

  /**
   * Score how well a name matches a word: 3 equal, 2 at the beginning of the name or of a word in it, 1 anywhere, 0 no match.
   * @param {string} name
   * @param {string} word
   * @returns {number}
   */
  function fit(name, word) {
    var at = name.indexOf(word);
    if (at < 0) return 0;
    if (name === word) return 3;
    return at === 0 || /[^\p{L}\p{N}]/u.test(name[at - 1]) ? 2 : 1;
  }

  /**
   * The best matches, as places in the columns, and the number of all matches.
   * @typedef {{places: number[], all: number}} Found
   */

  /**
   * Return the first matches, best first.
   * @param {number[][]} fitting the matches, each with its scores and then its place
   * @param {number} most
   * @returns {Found}
   */
  function best(fitting, most) {
    fitting.sort(function (a, b) {
      return b[0] - a[0] || b[1] - a[1] || a[2] - b[2];
    });
    var places = fitting.slice(0, most).map(function (item) {
      return item[2];
    });
    return { places: places, all: fitting.length };
  }

  /**
   * Find the layers, concepts, classes and units that match every word of a query.
   * @param {string} query
   */
  function find(query) {
    var phrase = query.toLowerCase().trim().replace(/\s+/g, " ");
    var words = phrase.replace(/\bunits?\b/g, " ").split(/[\s:]+/).filter(Boolean);
    /**
     * @param {string[]} names
     * @param {number} most
     */
    function named(names, most) {
      var fitting = [];
      names.forEach(function (name, place) {
        var all = words.every(function (word) {
          return fit(name, word) > 0;
        });
        if (words.length && all) fitting.push([fit(name, phrase), fit(name, words[0]), place]);
      });
      return best(fitting, most);
    }
    return {
      layers: named(index.layerNames, MOST.layers),
      concepts: named(index.conceptNames, MOST.concepts),
      classes: named(index.classNames, MOST.classes),
      units: units(words),
    };
  }

  /**
   * Find units for which every word is the unit's number, or part of its layer's name or of one of its concepts.
   * @param {string[]} words
   */
  function units(words) {
    var columns = index.units;
    var layerFits = words.map(function (word) {
      return index.layerNames.map(function (name) {
        return fit(name, word);
      });
    });
    var conceptFits = words.map(function (word) {
      return index.conceptNames.map(function (name) {
        return fit(name, word);
      });
    });
    var found = [];
    for (var place = 0; place < columns.unit.length; place++) {
      var score = 0;
      for (var k = 0; k < words.length; k++) {
        var highest = String(columns.unit[place]) === words[k] ? 30 : 0;
        highest = Math.max(highest, 4 * layerFits[k][columns.layer[place]]);
        for (var rank = 0; rank < columns.concepts.length; rank++) {
          var concept = columns.concepts[rank][place];
          if (concept >= 0 && conceptFits[k][concept]) {
            highest = Math.max(highest, conceptFits[k][concept] * (rank ? 1 : 10) + (columns.matched[place] && !rank ? 5 : 0));
          }
        }
        if (!highest) {
          score = 0;
          break;
        }
        score += highest;
      }
      if (score) found.push([score, columns.iou[place], place]);
    }
    return best(found, MOST.units);
  }

  /**
   * Make an element; the text is always set as text, never as markup.
   * @param {string} name
   * @param {string} look
   * @param {string} [text]
   */
  function element(name, look, text) {
    var made = document.createElement(name);
    made.className = look;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  /**
   * Make a concept's name, after the symbol of its category.
   * @param {number} concept
   */
  function marked(concept) {
    var span = element("span", "name");
    if (concept < 0) {
      span.textContent = "no concept";
      return span;
    }
    span.append(element("i", "g " + index.categories[index.concepts[concept][2]]), index.concepts[concept][0]);
    return span;
  }

  /**
   * Add one result to the list.
   * @param {string} href from the root of the site
   * @param {Node[]} parts
   */
  function option(href, parts) {
    var link = document.createElement("a");
    link.href = root + href;
    link.setAttribute("role", "option");
    link.setAttribute("aria-selected", "false");
    link.tabIndex = -1;
    link.id = "found-" + list.querySelectorAll("a").length;
    link.append.apply(link, parts);
    list.append(link);
  }

  /** @param {number} layer */
  function layerOption(layer) {
    var row = index.layers[layer];
    var says = row[3] + " of " + row[2] + " units match" + (row[4] === null ? "" : ", " + row[4] + " more than chance");
    option("layers/" + encodeURIComponent(row[1]) + ".html", [element("code", "", row[0]), element("span", "soft", says)]);
  }

  /** @param {number} concept */
  function conceptOption(concept) {
    var row = index.concepts[concept];
    var says = element("span", "soft", index.categories[row[2]]);
    option("concepts/" + encodeURIComponent(row[1]) + ".html", [marked(concept), says]);
  }

  /** @param {number} number */
  function classOption(number) {
    var row = index.classes[number];
    option("classes/" + encodeURIComponent(row[1]) + ".html", [element("span", "name", row[0]), element("span", "soft", "class of images")]);
  }

  /** @param {number} place */
  function unitOption(place) {
    var columns = index.units;
    var layer = index.layers[columns.layer[place]];
    var concept = columns.concepts[0][place];
    var bar = element("span", "bar" + (concept < 0 ? "" : " " + index.categories[index.concepts[concept][2]]));
    bar.style.setProperty("--w", Math.min(100, (columns.iou[place] / 1000) * index.scale) + "%");
    var name = marked(concept);
    if (columns.doubtful[place]) {
      name.append(" ", element("span", "chance", "may be chance"));
      bar.classList.add("doubt");
    }
    option("units/" + encodeURIComponent(layer[1]) + "/" + columns.unit[place] + ".html", [
      element("code", "", layer[0] + ":" + columns.unit[place]),
      name,
      bar,
      element("span", "n", (columns.iou[place] / 1000).toFixed(3)),
    ]);
  }

  /**
   * Show a sentence instead of results.
   * @param {string} text
   */
  function say(text) {
    list.replaceChildren(element("p", "nothing", text));
    status.textContent = text;
    open(true);
  }

  /** @param {boolean} shown */
  function open(shown) {
    list.hidden = !shown;
    input.setAttribute("aria-expanded", String(shown));
    if (!shown) choose(-1);
  }

  /**
   * Select a result with the keyboard.
   * @param {number} place
   */
  function choose(place) {
    var options = list.querySelectorAll("a");
    options.forEach(function (link, other) {
      link.setAttribute("aria-selected", String(other === place));
    });
    chosen = place;
    if (place < 0) {
      input.removeAttribute("aria-activedescendant");
      return;
    }
    input.setAttribute("aria-activedescendant", options[place].id);
    options[place].scrollIntoView({ block: "nearest" });
  }

  /** Search for the text in the field. */
  function search() {
    var query = input.value.trim();
    if (!query) return open(false);
    if (!index) return say("Loading the search index…");
    var found = find(query);
    var count = found.layers.all + found.concepts.all + found.classes.all + found.units.all;
    if (!count) return say("No results for “" + query + "”. Try a concept, a layer, or a unit such as " + example() + ".");
    list.replaceChildren();
    list.style.setProperty("--cut", index.cutAt + "%");
    [
      ["Layers", found.layers, layerOption],
      ["Concepts", found.concepts, conceptOption],
      ["Classes", found.classes, classOption],
      ["Units", found.units, unitOption],
    ].forEach(function (group) {
      var places = group[1].places;
      var some = places.length < group[1].all ? ", " + places.length + " of " + group[1].all.toLocaleString("en") : "";
      if (places.length) list.append(element("p", "group", group[0] + some));
      places.forEach(group[2]);
    });
    status.textContent = count.toLocaleString("en") + (count === 1 ? " result" : " results");
    open(true);
    choose(0);
  }

  /** @returns {string} an example of a unit of this site, as a reader would type it */
  function example() {
    return index.units.unit.length ? index.layers[index.units.layer[0]][0] + ":" + index.units.unit[0] : "conv1:0";
  }

  if (!input || !list || !status) return;
  input.addEventListener("focus", load);
  input.addEventListener("focus", search);
  input.addEventListener("input", search);
  input.addEventListener("keydown", function (event) {
    var options = list.querySelectorAll("a");
    if (event.key === "Escape") {
      if (list.hidden) input.blur();
      open(false);
    } else if (event.key === "Enter" && options[chosen]) {
      options[chosen].click();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && options.length && !list.hidden) {
      choose((chosen + (event.key === "ArrowDown" ? 1 : -1) + options.length) % options.length);
    } else {
      return;
    }
    event.preventDefault();
  });
  document.addEventListener("keydown", function (event) {
    var typing = /** @type {Element} */ (event.target).closest("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      input.focus();
      input.select();
    }
  });
  document.addEventListener("pointerdown", function (event) {
    if (!(/** @type {Element} */ (event.target).closest(".search"))) open(false);
  });
})();
