/* Computes a classifier's predictions in the browser, with some units of a layer removed: see dissectory.analysis.experiments.class_ablation.switches. */
(function () {
  "use strict";

  /**
   * The data of a layer, from a script in the folder `switches`; `numbers` are compressed and encoded as text. A unit is its
   * label, the label's category, the address of its page, and whether the label may be chance.
   * @typedef {{mode: "linear" | "rectified", slope: number, shapes: [number, number, number][], classes: string[],
   *   outputs: string[], stands: number[], own: number[], units: [string, string, string, boolean][], numbers: string}} Layer
   */
  /**
   * For each class, how many images are predicted as it and how many of these correctly; and the number of all correct images.
   * @typedef {{taken: number[], right: number[], correct: number}} Outcomes
   */

  /** Load the script of a layer, once. @param {string} key @param {string} address @returns {Promise<Layer>} */
  function script(key, address) {
    return new Promise(function (resolve, reject) {
      var element = document.createElement("script");
      element.src = document.documentElement.dataset.root + address;
      element.onload = function () {
        resolve(window.dissectorySwitches[key]);
      };
      element.onerror = function () {
        element.remove();
        reject(new Error(address + " could not be loaded"));
      };
      document.head.append(element);
    });
  }

  /** @param {string} text @returns {Promise<Float32Array>} */
  async function unpacked(text) {
    var raw = atob(text);
    var bytes = new Uint8Array(raw.length);
    for (var place = 0; place < raw.length; place++) bytes[place] = raw.charCodeAt(place);
    var stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Float32Array(await new Response(stream).arrayBuffer());
  }

  /**
   * The part of the network after a layer, on the images of the reporting split.
   * @param {Layer} layer
   * @param {Float32Array} numbers base, weight and change, concatenated
   */
  function Network(layer, numbers) {
    var sizes = layer.shapes.map(function (shape) {
      return shape[0] * shape[1] * shape[2];
    });
    this.layer = layer;
    this.images = layer.shapes[2][0];
    this.units = layer.shapes[2][1];
    this.parts = layer.shapes[2][2];
    this.places = layer.shapes[0][1];
    this.outputs = layer.shapes[0][2];
    this.base = numbers.subarray(0, sizes[0]);
    this.weight = numbers.subarray(sizes[0], sizes[0] + sizes[1]);
    this.change = numbers.subarray(sizes[0] + sizes[1]);
    /** Values with all units, by image. */
    this.whole = new Float64Array(this.images * this.places * this.outputs);
    var all = Array.from({ length: this.units }, function (_, unit) {
      return unit;
    });
    for (var image = 0; image < this.images; image++) this.add(this.start(image), image, all, 1);
    /** Prediction for each image with all units, as the number of an output. */
    this.original = this.without(new Set());
  }

  /** Values of an image with all units removed, in the order of `whole`. @param {number} image */
  Network.prototype.start = function (image) {
    var count = this.places * this.outputs;
    var values = this.whole.subarray(image * count, (image + 1) * count);
    values.set(this.based(image));
    return values;
  };
  /** @param {number} image */
  Network.prototype.based = function (image) {
    var count = this.places * this.outputs;
    var row = this.layer.shapes[0][0] > 1 ? image : 0;
    return this.base.subarray(row * count, (row + 1) * count);
  };

  /**
   * Add the contributions of units to the values of an image, or subtract them.
   * @param {Float64Array} values
   * @param {number} image
   * @param {number[]} units
   * @param {1 | -1} sign
   */
  Network.prototype.add = function (values, image, units, sign) {
    var rectified = this.layer.mode === "rectified";
    for (var place = 0; place < units.length; place++) {
      var first = (image * this.units + units[place]) * this.parts;
      for (var part = 0; part < this.parts; part++) {
        var change = sign * this.change[first + part];
        if (change === 0) continue;
        var from = (rectified ? units[place] : units[place] * this.parts + part) * this.outputs;
        var to = rectified ? part * this.outputs : 0;
        for (var output = 0; output < this.outputs; output++) values[to + output] += change * this.weight[from + output];
      }
    }
  };

  /** Return the output with the highest score, the first of equal ones. @param {Float64Array} values of an image */
  Network.prototype.decide = function (values) {
    var best = 0;
    var highest = -Infinity;
    for (var output = 0; output < this.outputs; output++) {
      var score = 0;
      for (var at = output; at < values.length; at += this.outputs) {
        score += this.layer.mode === "linear" || values[at] > 0 ? values[at] : this.layer.slope * values[at];
      }
      if (score > highest) {
        best = output;
        highest = score;
      }
    }
    return best;
  };

  /** Predict each image with some units removed; predictions are numbers of outputs. @param {Set<number>} off @returns {Int32Array} */
  Network.prototype.without = function (off) {
    var fewer = 2 * off.size > this.units; // fewer units are kept than removed
    var units = [];
    for (var unit = 0; unit < this.units; unit++) if (off.has(unit) !== fewer) units.push(unit);
    var count = this.places * this.outputs;
    var values = new Float64Array(count);
    var found = new Int32Array(this.images);
    for (var image = 0; image < this.images; image++) {
      values.set(fewer ? this.based(image) : this.whole.subarray(image * count, (image + 1) * count));
      this.add(values, image, units, fewer ? 1 : -1);
      found[image] = this.decide(values);
    }
    return found;
  };

  /** @param {Int32Array} predicted numbers of outputs @returns {Outcomes} */
  Network.prototype.count = function (predicted) {
    var taken = this.layer.classes.map(function () {
      return 0;
    });
    var right = taken.slice();
    var correct = 0;
    for (var image = 0; image < this.images; image++) {
      var said = this.layer.stands[predicted[image]];
      if (said < 0) continue;
      taken[said]++;
      if (said === this.layer.own[image]) {
        right[said]++;
        correct++;
      }
    }
    return { taken: taken, right: right, correct: correct };
  };

  /** @param {string} key of the layer @param {string} address of its script @returns {Promise<Network>} */
  async function load(key, address) {
    var layer = await script(key, address);
    return new Network(layer, await unpacked(layer.numbers));
  }

  window.dissectoryRemoval = { load: load };
})();
