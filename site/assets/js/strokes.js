/* Brush strokes: the cells that a brush covers, undo and redo, and strokes as text for links. */
(function () {
  "use strict";
  var runs = window.dissectoryRuns;
  var MOST = 2e6; // the most cells of all strokes of a link together, to protect the browser's memory

  /**
   * A stroke: the number of its paint, whether it erases, its strength, and the cells that it covers, numbered row by row.
   * @typedef {{paint: number, erases: boolean, strength: number, cells: Set<number>}} Stroke
   */

  /**
   * Return the cells of a round brush around a cell.
   * @param {number} row
   * @param {number} column
   * @param {number} size diameter in cells
   * @param {[number, number]} grid rows and columns
   * @returns {number[]}
   */
  function dab(row, column, size, grid) {
    var found = [];
    var reach = Math.floor(size / 2);
    for (var down = -reach; down <= reach; down++) {
      for (var right = -reach; right <= reach; right++) {
        var inside = row + down >= 0 && row + down < grid[0] && column + right >= 0 && column + right < grid[1];
        if (inside && 4 * (down * down + right * right) <= size * size) found.push((row + down) * grid[1] + column + right);
      }
    }
    return found;
  }

  /** The history of the strokes on one image. */
  function History() {
    /** @type {Stroke[][]} */
    this.steps = [[]];
    this.at = 0;
  }
  /** @returns {Stroke[]} */
  History.prototype.strokes = function () {
    return this.steps[this.at];
  };
  /** Add a step; steps that were undone are discarded. @param {Stroke[]} strokes */
  History.prototype.put = function (strokes) {
    this.steps.length = this.at + 1;
    this.steps.push(strokes);
    this.at++;
  };
  /** Undo or redo. @param {number} by @returns {boolean} whether there was a step */
  History.prototype.go = function (by) {
    var there = this.at + by;
    if (there < 0 || there >= this.steps.length) return false;
    this.at = there;
    return true;
  };

  /**
   * Write the strokes as a URL fragment: the image's seed, and `draw.<percent>.<cells>.<concept>` for each stroke.
   * @param {Painting} painting
   * @param {number} image
   * @param {Stroke[]} strokes
   */
  function fragment(painting, image, strokes) {
    var parts = new URLSearchParams({ image: String(painting.seeds[image]) });
    var cells = painting.inputs[0][1][1] * painting.inputs[0][1][2];
    strokes.forEach(function (stroke) {
      var says = [stroke.erases ? "erase" : "draw", Math.round(100 * stroke.strength), runs.packed(stroke.cells, cells)];
      parts.append("stroke", says.concat(painting.paints[stroke.paint][0]).join("."));
    });
    return "#" + parts;
  }

  /** @param {string} text @returns {boolean} whether a URL fragment contains strokes, of this site or another */
  function held(text) {
    var parts = new URLSearchParams(text.slice(1));
    return parts.has("image") || parts.has("stroke");
  }

  /**
   * Read strokes from a URL fragment.
   * @param {Painting} painting
   * @param {string} text
   * @returns {{image: number, strokes: Stroke[]} | null} null if it names an image or a concept that this page
   *   does not have, or contains no strokes
   */
  function parsed(painting, text) {
    var parts = new URLSearchParams(text.slice(1));
    var image = painting.seeds.map(String).indexOf(parts.get("image"));
    var cells = painting.inputs[0][1][1] * painting.inputs[0][1][2];
    var held = 0;
    var strokes = [];
    var good = parts.getAll("stroke").every(function (says) {
      var found = /^(draw|erase)\.(\d{1,4})\.([^.]*)\.([^]*)$/.exec(says);
      var paint = painting.paints.findIndex(function (one) {
        return found && one[0] === found[4];
      });
      var covered = found && runs.unpacked(found[3], cells);
      var strength = found ? Number(found[2]) / 100 : 0;
      if (paint < 0 || !covered || !covered.size || strength > painting.strongest) return false;
      held += covered.size;
      strokes.push({ paint: paint, erases: found[1] === "erase", strength: strength, cells: covered });
      return held <= MOST;
    });
    return image < 0 || !good ? null : { image: image, strokes: strokes };
  }

  window.dissectoryStrokes = { dab: dab, History: History, fragment: fragment, held: held, parsed: parsed };
})();
