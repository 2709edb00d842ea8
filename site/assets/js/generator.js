/* Runs the part of a generator after a layer in the browser. A served page loads plain files; a page opened from a folder loads one script that contains them. */
(function () {
  "use strict";
  var root = document.documentElement.dataset.root;

  /**
   * The page's data about the generator and its paints; see dissectory.report.paint.page.
   * @typedef {{inputs: [string, number[]][], picture: [number, number], range: [number, number], seeds: number[],
   *   paints: [string, string, number[], number[]][], strongest: number, files: Record<string, number>, offline: boolean}} Painting
   */

  /** @param {string} text @returns {Uint8Array} */
  function decoded(text) {
    var raw = atob(text);
    var bytes = new Uint8Array(raw.length);
    for (var place = 0; place < raw.length; place++) bytes[place] = raw.charCodeAt(place);
    return bytes;
  }

  /** @param {string} text @returns {Promise<Uint8Array>} the bytes that were compressed and encoded as text */
  async function unpacked(text) {
    var stream = new Blob([decoded(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  /** Load the script that contains all files. @returns {Promise<Record<string, string>>} */
  function script() {
    return new Promise(function (resolve, reject) {
      var element = document.createElement("script");
      element.src = root + "paint/offline.js";
      element.onload = function () {
        resolve(window.dissectoryOffline);
      };
      element.onerror = function () {
        reject(new Error("paint/offline.js could not be loaded"));
      };
      document.head.append(element);
    });
  }

  /**
   * Fetch a file in pieces.
   * @param {string} name
   * @param {(bytes: number) => void} advance
   * @returns {Promise<Uint8Array>}
   */
  async function fetched(name, advance) {
    var pieces = [];
    try {
      var answer = await fetch(root + name);
      if (!answer.ok) throw new Error(answer.status + " " + answer.statusText);
      var reader = answer.body.getReader();
      for (var piece = await reader.read(); !piece.done; piece = await reader.read()) {
        pieces.push(piece.value);
        advance(piece.value.length);
      }
    } catch (error) {
      throw new Error(name + " could not be loaded: " + error.message);
    }
    return new Uint8Array(await new Blob(pieces).arrayBuffer());
  }

  /**
   * Load all files.
   * @param {Painting} painting
   * @param {(share: number) => void} progress
   * @returns {Promise<Record<string, Uint8Array>>}
   */
  async function files(painting, progress) {
    var names = Object.keys(painting.files);
    var contents;
    if (location.protocol === "file:") {
      var texts = await script();
      contents = await Promise.all(
        names.map(function (name) {
          return unpacked(texts[name]);
        }),
      );
    } else {
      var whole = names.reduce(function (sum, name) {
        return sum + painting.files[name];
      }, 0);
      var read = 0;
      contents = await Promise.all(
        names.map(function (name) {
          return fetched(name, function (bytes) {
            read += bytes;
            progress(Math.min(1, read / whole));
          });
        }),
      );
    }
    return Object.fromEntries(
      names.map(function (name, place) {
        return [name, contents[place]];
      }),
    );
  }

  /** @param {number} half the bits of a half-precision number */
  function whole(half) {
    var exponent = (half >> 10) & 31;
    var size = exponent ? (1 + (half & 1023) / 1024) * Math.pow(2, exponent - 15) : (half & 1023) * Math.pow(2, -24);
    return half & 0x8000 ? -size : size;
  }

  /** @param {number[]} shape */
  function count(shape) {
    return shape.reduce(function (product, side) {
      return product * side;
    }, 1);
  }

  /**
   * Load the generator; it runs on the page's own thread, and no data leaves the browser.
   * @param {Painting} painting
   * @param {(share: number) => void} progress
   * @returns {Promise<(image: number, strokes: Stroke[]) => Promise<ImageData>>} generates an image with strokes
   */
  async function load(painting, progress) {
    var read = await files(painting, progress);
    // A page opened from a folder may not import a file, but may import a script made here.
    var address = URL.createObjectURL(new Blob([read["vendor/onnxruntime.mjs"]], { type: "text/javascript" }));
    var runtime = await import(address);
    URL.revokeObjectURL(address);
    runtime.env.logLevel = "error";
    runtime.env.wasm.numThreads = 1;
    runtime.env.wasm.wasmBinary = read["vendor/onnxruntime.wasm"].buffer;
    var session = await runtime.InferenceSession.create(read["paint/rest.onnx"], { executionProviders: ["wasm"] });
    var maps = new Uint16Array(read["paint/maps.f16"].buffer);
    var each = painting.inputs.reduce(function (sum, input) {
      return sum + count(input[1]);
    }, 0);
    var cells = painting.inputs[0][1][1] * painting.inputs[0][1][2];

    /** Apply the strokes to the maps `(units, cells)`, in order. @param {Float32Array} values @param {Stroke[]} strokes */
    function apply(values, strokes) {
      strokes.forEach(function (stroke) {
        var paint = painting.paints[stroke.paint];
        paint[2].forEach(function (unit, place) {
          var level = stroke.erases ? 0 : paint[3][place] * stroke.strength;
          stroke.cells.forEach(function (cell) {
            values[unit * cells + cell] = level;
          });
        });
      });
    }

    return async function (image, strokes) {
      var at = image * each;
      var given = {};
      painting.inputs.forEach(function (input, place) {
        var values = Float32Array.from(maps.subarray(at, (at += count(input[1]))), whole);
        if (place === 0) apply(values, strokes);
        given[input[0]] = new runtime.Tensor("float32", values, [1].concat(input[1]));
      });
      var answer = (await session.run(given)).picture.data;
      var picture = new ImageData(painting.picture[1], painting.picture[0]);
      var pixels = picture.width * picture.height;
      var scale = 255 / (painting.range[1] - painting.range[0]);
      for (var pixel = 0; pixel < pixels; pixel++) {
        for (var channel = 0; channel < 3; channel++) {
          picture.data[4 * pixel + channel] = (answer[channel * pixels + pixel] - painting.range[0]) * scale;
        }
        picture.data[4 * pixel + 3] = 255;
      }
      return picture;
    };
  }

  window.dissectoryGenerator = { load: load };
})();
