/* Charts that become interactive when a reader points at them: plotly draws them, from the data next to them. */
(function () {
  "use strict";
  var root = document.documentElement.dataset.root;
  var GLYPHS = { object: "●", part: "◐", material: "■", texture: "▤", color: "◆" };
  /** @type {Promise<any> | null} */
  var library = null;

  /** Load plotly once, from the site itself. @returns {Promise<any>} */
  function plotly() {
    library =
      library ||
      new Promise(function (resolve, reject) {
        var script = document.createElement("script");
        script.src = root + "vendor/plotly-cartesian.min.js";
        script.onload = function () {
          resolve(window.Plotly);
        };
        script.onerror = function () {
          library = null;
          reject(new Error("vendor/plotly-cartesian.min.js could not be loaded"));
        };
        document.head.append(script);
      });
    return library;
  }

  /**
   * Return the page's colors for plotly, resolved for the current theme.
   * @returns {Record<string, string>}
   */
  function inks() {
    var probe = document.createElement("i");
    document.body.append(probe);
    var found = {};
    ["paper", "sheet", "ink", "soft", "hair", "wash", "dim", "lit", "accent", "object", "part", "material", "texture", "color"].forEach(
      function (name) {
        probe.style.color = "var(--" + name + ")";
        found[name] = getComputedStyle(probe).color;
      },
    );
    probe.remove();
    return found;
  }

  /**
   * Make the line of a threshold across a chart.
   * @param {"x" | "y"} axis
   * @param {number} at
   * @param {string} color
   */
  function cut(axis, at, color) {
    var other = axis === "x" ? "y" : "x";
    var line = { type: "line", line: { color: color, width: 2 } };
    line[axis + "0"] = line[axis + "1"] = at;
    line[other + "ref"] = "paper";
    line[other + "0"] = 0;
    line[other + "1"] = 1;
    return line;
  }

  /**
   * Make the name of a threshold, above the chart at the end of its line.
   * @param {number} at
   * @param {string} says
   * @param {string} color
   */
  function cutName(at, says, color) {
    return { x: at, y: 1, yref: "paper", yanchor: "bottom", xanchor: "left", text: says, showarrow: false, font: { color: color } };
  }

  /** Escape a name, because plotly interprets some markup in texts. @param {string} text */
  function plain(text) {
    return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  }

  /** Make the hatching of bars whose labels may be chance. @param {string} color */
  function hatched(color) {
    return { color: "rgba(0,0,0,0)", line: { color: color, width: 1 }, pattern: { shape: "\\", fgcolor: color, size: 6, solidity: 0.2 } };
  }

  /** Make an axis of names by position, because cropped names can repeat. @param {string[]} names */
  function named(names) {
    return {
      tickvals: names.map(function (_, place) {
        return place;
      }),
      ticktext: names.map(function (name) {
        return plain(name.length > 18 ? "…" + name.slice(-17) : name);
      }),
    };
  }

  /** Return the beginning of a concept's name, the first value of a row of data. @param {[string]} row */
  function cropped(row) {
    return row[0].length > 18 ? row[0].slice(0, 17) + "…" : row[0];
  }

  /** For each kind of chart, a function that makes plotly's traces and layout from the chart's data and the page's colors. */
  var FIGURES = {
    layers: function (data, ink) {
      var traces = Object.keys(data.counts).map(function (category) {
        return {
          type: "bar",
          name: GLYPHS[category] + " " + category,
          y: data.counts[category],
          customdata: data.layers.map(plain),
          marker: { color: ink[category] },
          hovertemplate: "%{customdata}<br>%{y:,} units<extra>" + category + "</extra>",
        };
      });
      if (data.doubtful.some(Boolean)) {
        traces.push({
          type: "bar",
          name: "may be chance",
          y: data.doubtful,
          customdata: data.layers.map(plain),
          marker: hatched(ink.soft),
          hovertemplate: "%{customdata}<br>%{y:,} units<extra>may be chance</extra>",
        });
      }
      traces.push({
        type: "bar",
        name: "no match",
        y: data.units.map(function (all, place) {
          return traces.reduce(function (left, trace) {
            return left - trace.y[place];
          }, all);
        }),
        customdata: data.layers.map(plain),
        marker: { color: ink.wash },
        hovertemplate: "%{customdata}<br>%{y:,} units<extra>no match</extra>",
      });
      return { traces: traces, layout: { barmode: "stack", xaxis: named(data.layers), yaxis: { title: { text: "units" } } } };
    },
    concepts: function (data, ink) {
      var categories = Object.keys(GLYPHS);
      var traces = categories.flatMap(function (category) {
        return [false, true].map(function (doubtful) {
          var bars = data.bars
            .map(function (bar, place) {
              return { name: bar[0], category: bar[1], place: place, count: doubtful ? bar[3] : bar[2] - bar[3] };
            })
            .filter(function (bar) {
              return bar.category === category && bar.count;
            });
          return {
            type: "bar",
            name: GLYPHS[category] + " " + category,
            legendgroup: category,
            showlegend: !doubtful,
            x: bars.map(function (bar) {
              return bar.place;
            }),
            y: bars.map(function (bar) {
              return bar.count;
            }),
            customdata: bars.map(function (bar) {
              return plain(bar.name);
            }),
            marker: doubtful ? hatched(ink[category]) : { color: ink[category] },
            hovertemplate: "%{customdata}<br>%{y:,} units<extra>" + (doubtful ? "may be chance" : category) + "</extra>",
          };
        });
      });
      traces = traces.filter(function (trace) {
        return trace.x.length;
      });
      var axis = named(data.bars.map(cropped));
      axis.tickangle = -50;
      return { traces: traces, layout: { barmode: "stack", xaxis: axis, margin: { b: 112 }, yaxis: { title: { text: "units" } } } };
    },
    ablation: function (data, ink) {
      var looks = { own: { color: ink.accent, width: 3 }, informed: { color: ink.accent, dash: "dash" }, random: { color: ink.soft, dash: "dot" }, other: { color: ink.soft, width: 1 } };
      return {
        traces: data.series.map(function (one) {
          return {
            type: "scatter",
            mode: "lines+markers",
            name: plain(one[1]),
            x: data.sizes,
            y: one[2].map(function (span) {
              return span[0];
            }),
            customdata: one[2].map(function (span) {
              return span.slice(1);
            }),
            line: looks[one[0]],
            marker: { color: looks[one[0]].color },
            hovertemplate: "%{x} units<br>%{y:+.1%} (%{customdata[0]:+.1%} to %{customdata[1]:+.1%})<extra>" + plain(one[1]) + "</extra>",
          };
        }),
        layout: { xaxis: { title: { text: "units removed" } }, yaxis: { title: { text: "change of area" }, tickformat: "+.0%" } },
      };
    },
    detector: function (data, ink) {
      var bins = data.inside.length;
      var share = function (counts) {
        var all = counts.reduce(function (sum, count) {
          return sum + count;
        }, 0);
        return counts.map(function (count) {
          return count / Math.max(1, all);
        });
      };
      var edges = data.inside.map(function (_, place) {
        return data.low + (place / bins) * (data.high - data.low);
      });
      var trace = function (name, counts, color, fill) {
        return {
          type: "scatter",
          mode: "lines",
          name: name,
          x: edges,
          y: share(counts),
          customdata: counts,
          line: { shape: "hv", color: color, width: 1.5 },
          fill: fill,
          hovertemplate: "from %{x:.4g}<br>%{customdata:,} images, %{y:.1%}<extra>" + name + "</extra>",
        };
      };
      return {
        traces: [trace("others", data.outside, ink.soft, "none"), trace(plain(data.name), data.inside, ink.accent, "tozeroy")],
        layout: {
          shapes: [cut("x", data.threshold, ink.accent)],
          xaxis: { title: { text: "peak activation on the image" } },
          yaxis: { tickformat: ".0%" },
        },
      };
    },
    artifacts: function (data, ink) {
      var column = function (place) {
        return data.random.map(function (one) {
          return one[place];
        });
      };
      var random = column(0);
      return {
        traces: [
          {
            type: "scatter",
            mode: "lines+markers",
            name: "highest scores",
            x: data.units,
            y: data.worst,
            line: { color: ink.accent, width: 3 },
            hovertemplate: "%{x} units<br>distance %{y:.4g}<extra>highest scores</extra>",
          },
          {
            type: "scatter",
            mode: "lines+markers",
            name: "random units",
            x: data.units,
            y: random,
            error_y: {
              type: "data",
              symmetric: false,
              array: column(2).map(function (high, place) {
                return high - random[place];
              }),
              arrayminus: column(1).map(function (low, place) {
                return random[place] - low;
              }),
              color: ink.soft,
              thickness: 1,
            },
            line: { color: ink.soft, width: 1.5, dash: "dot" },
            hovertemplate: "%{x} units<br>distance %{y:.4g}<extra>random units</extra>",
          },
        ],
        layout: { xaxis: { title: { text: "units removed" } }, yaxis: { title: { text: "Frechet distance" }, rangemode: "tozero" } },
      };
    },
    depth: function (data, ink) {
      var traces = [];
      data.networks.forEach(function (network, number) {
        data.categories.forEach(function (category, place) {
          traces.push({
            type: "scatter",
            mode: "lines+markers",
            name: plain(network[0]) + ": " + category,
            x: network[1].map(function (layer) {
              return layer[1];
            }),
            y: network[1].map(function (layer) {
              return layer[2][place];
            }),
            text: network[1].map(function (layer) {
              return plain(layer[0]);
            }),
            line: { color: ink[category], width: 2, dash: number ? "dash" : "solid" },
            hovertemplate: "%{text}<br>%{y:.1%} of its units<extra>" + plain(network[0]) + ": " + category + "</extra>",
          });
        });
      });
      return {
        traces: traces,
        layout: {
          xaxis: { title: { text: "depth, from the first layer to the last" }, tickformat: ".0%" },
          yaxis: { title: { text: "share of units" }, tickformat: ".0%", rangemode: "tozero" },
        },
      };
    },
    led: function (data, ink) {
      return {
        traces: [
          {
            type: "bar",
            x: data.names,
            y: data.means,
            customdata: data.units,
            error_y: { type: "data", array: data.errors, color: ink.ink, thickness: 1 },
            marker: { color: ink.lit },
            hovertemplate: "%{x} classes<br>mean IoU %{y:.4f}, %{customdata:,} units<extra></extra>",
          },
        ],
        layout: { xaxis: { type: "category", title: { text: "classes with the unit among their top four" } }, yaxis: { title: { text: "mean IoU" } }, showlegend: false },
      };
    },
    groups: function (data, ink) {
      var column = function (place) {
        return data.points.map(function (point) {
          return point[place];
        });
      };
      return {
        traces: [
          {
            type: "scatter",
            mode: "lines+markers",
            x: column(0),
            y: column(1),
            customdata: column(2),
            line: { color: ink.soft, width: 1 },
            marker: { color: ink.accent, size: 9 },
            hovertemplate: "%{x:.4g}<br>mean IoU %{y:.4f}, %{customdata} units<extra></extra>",
          },
        ],
        layout: { xaxis: { title: { text: data.what } }, yaxis: { title: { text: "mean IoU" }, rangemode: "tozero" }, showlegend: false },
      };
    },
    removal: function (data, ink) {
      var looks = {
        own: { color: ink.accent, width: 3 },
        kept: { color: ink.object, width: 2.5 },
        random: { color: ink.soft, dash: "dot" },
        other: { color: ink.soft, width: 1 },
      };
      var sizes = [0, 1, 2, 4, 8, 20, 64, 128, 256, 512, 1024, 2048];
      return {
        traces: data.series.map(function (one) {
          return {
            type: "scatter",
            mode: one[2].length > 40 ? "lines" : "lines+markers",
            name: plain(one[1]),
            x: one[2].map(function (size) {
              return Math.log2(1 + size);
            }),
            y: one[3],
            customdata: one[2],
            line: looks[one[0]],
            marker: { color: looks[one[0]].color },
            hovertemplate: "%{customdata} units<br>%{y:.1%}<extra>" + plain(one[1]) + "</extra>",
          };
        }),
        layout: {
          xaxis: {
            title: { text: "units removed, or kept" },
            ticktext: sizes,
            tickvals: sizes.map(function (size) {
              return Math.log2(1 + size);
            }),
          },
          yaxis: { tickformat: ".0%" },
        },
      };
    },
    insertion: function (data, ink) {
      var axis = named(
        data.bars.map(function (bar) {
          return bar[0];
        })
      );
      axis.tickangle = -50;
      return {
        traces: [
          {
            type: "bar",
            x: data.bars.map(function (_, place) {
              return place;
            }),
            y: data.bars.map(function (bar) {
              return bar[2];
            }),
            customdata: data.bars.map(function (bar) {
              return [plain(bar[0]), bar[1]];
            }),
            marker: { color: ink.lit },
            hovertemplate: "%{customdata[0]}<br>%{y:.1f} positions added, mean of %{customdata[1]} locations<extra></extra>",
          },
        ],
        layout: { xaxis: axis, margin: { b: 112 }, yaxis: { title: { text: "positions added" } }, showlegend: false },
      };
    },
    ious: function (data, ink) {
      var low = data.counts.map(function (_, place) {
        return place * data.step;
      });
      return {
        traces: [
          {
            type: "bar",
            x: low,
            y: data.counts,
            offset: 0,
            width: data.step * 0.92,
            customdata: low.map(function (edge) {
              return edge + data.step;
            }),
            marker: {
              color: low.map(function (edge) {
                return edge > data.cut - data.step / 2 ? ink.lit : ink.dim;
              }),
            },
            hovertemplate: "IoU %{x:.3f} to %{customdata:.3f}<br>%{y} units<extra></extra>",
          },
        ],
        layout: {
          shapes: [cut("x", data.cut, ink.accent)],
          annotations: [cutName(data.cut, "IoU threshold " + data.cut, ink.accent)],
          xaxis: { title: { text: "IoU of the label" } },
          yaxis: { title: { text: "units" } },
          showlegend: false,
        },
      };
    },
    activations: function (data, ink) {
      var low = data.edges.slice(0, -1);
      return {
        traces: [
          {
            type: "bar",
            x: low,
            y: data.counts,
            offset: 0,
            width: low.map(function (edge, place) {
              return data.edges[place + 1] - edge;
            }),
            customdata: data.edges.slice(1),
            marker: {
              color: low.map(function (edge) {
                return data.t !== null && edge >= data.t ? ink.lit : ink.dim;
              }),
            },
            hovertemplate: "%{x:.4g} to %{customdata:.4g}<br>%{y:,} activations<extra></extra>",
          },
        ],
        layout: {
          shapes: data.t === null ? [] : [cut("x", data.t, ink.accent)],
          annotations: data.t === null ? [] : [cutName(data.t, "t = " + data.t.toPrecision(4), ink.accent)],
          xaxis: { title: { text: "activation" } },
          yaxis: { type: "log", dtick: 2, exponentformat: "power", range: [0, Math.log10(1.2 * Math.max.apply(null, data.counts))] },
          showlegend: false,
        },
      };
    },
    changes: function (data, ink) {
      var places = data.groups.map(function (_, place) {
        return place;
      });
      /** @param {number} end the column of an interval's end */
      function reach(end) {
        return data.groups.map(function (group) {
          return group[end] === null ? 0 : Math.abs(group[end] - group[1]);
        });
      }
      return {
        traces: [
          {
            type: "scatter",
            mode: "markers",
            x: data.groups.map(function (group) {
              return group[1];
            }),
            y: places,
            error_x: { symmetric: false, array: reach(3), arrayminus: reach(2), thickness: 1.4, width: 6, color: ink.soft },
            customdata: data.groups.map(function (group) {
              return [plain(group[0]), group[4]];
            }),
            marker: { size: 11, color: ink.accent },
            hovertemplate: "%{customdata[0]}<br>%{x:.3f}, over %{customdata[1]} images<extra></extra>",
          },
        ],
        layout: {
          margin: { l: 140 },
          xaxis: { title: { text: "change of peak activation" }, showgrid: true, rangemode: "tozero" },
          yaxis: Object.assign(
            named(
              data.groups.map(function (group) {
                return group[0];
              }),
            ),
            { autorange: "reversed", showgrid: false, rangemode: "normal" },
          ),
          showlegend: false,
        },
      };
    },
    agreement: function (data, ink) {
      return {
        traces: data.columns.map(function (name, column) {
          var points = data.points.filter(function (point) {
            return point[0] === column;
          });
          return {
            type: "scatter",
            mode: "markers",
            name: name,
            x: points.map(function (point) {
              return point[0] - 0.28 + 0.56 * ((point[1] * 0.618034) % 1);
            }),
            y: points.map(function (point) {
              return point[2];
            }),
            customdata: points.map(function (point) {
              return point[1];
            }),
            marker: ink[name] ? { size: 8, color: ink[name] } : { size: 7, symbol: "circle-open", color: ink.soft },
            hovertemplate: "unit %{customdata}<br>agreement %{y:.3f}<extra>" + name + "</extra>",
          };
        }),
        layout: {
          shapes: data.chance === null ? [] : [cut("y", data.chance, ink.accent)],
          xaxis: named(data.columns),
          yaxis: { title: { text: "agreement" } },
          showlegend: false,
        },
      };
    },
    strip: function (data, ink) {
      var looks = [
        { name: "another label", marker: { size: 7, symbol: "circle-open", color: ink.soft } },
        { name: "its label", marker: { size: 8, color: ink.accent, opacity: 0.85 } },
        { name: "its label, may be chance", marker: { size: 9, symbol: "diamond-open", color: ink.accent } },
      ];
      var traces = [1, 2, 0].map(function (own) {
        var points = data.points.filter(function (point) {
          return point[3] === own;
        });
        /** @param {number} end the column of an interval's end */
        function reach(end) {
          return points.map(function (point) {
            return point.length > 4 ? Math.abs(point[end] - point[2]) : 0;
          });
        }
        return {
          type: "scatter",
          mode: "markers",
          name: looks[own].name,
          x: points.map(function (point) {
            return point[0] - 0.28 + 0.56 * ((point[1] * 0.618034) % 1);
          }),
          y: points.map(function (point) {
            return point[2];
          }),
          error_y: { visible: own > 0, symmetric: false, array: reach(5), arrayminus: reach(4), thickness: 1, width: 3, color: ink.soft },
          customdata: points.map(function (point) {
            var interval = point.length > 4 ? ", " + point[4].toFixed(3) + " to " + point[5].toFixed(3) : "";
            return [plain(data.layers[point[0]]) + ", unit " + point[1], interval];
          }),
          marker: looks[own].marker,
          hovertemplate: "%{customdata[0]}<br>IoU %{y:.3f}%{customdata[1]}<extra>" + looks[own].name + "</extra>",
        };
      });
      traces = traces.filter(function (trace) {
        return trace.x.length;
      });
      return {
        traces: traces,
        layout: { shapes: [cut("y", data.cut, ink.accent)], xaxis: named(data.layers), yaxis: { title: { text: "IoU" } } },
      };
    },
    beside: function (data, ink) {
      var traces = ["network", "control"].map(function (name, place) {
        return {
          type: "bar",
          name: name,
          y: data.matched[place],
          customdata: data.layers.map(plain),
          marker: place ? { color: "rgba(0,0,0,0)", line: { color: ink.soft, width: 1.4 } } : { color: ink.lit },
          hovertemplate: "%{customdata}<br>%{y:,} units match<extra>" + name + "</extra>",
        };
      });
      return { traces: traces, layout: { barmode: "group", xaxis: named(data.layers), yaxis: { title: { text: "matched units" } } } };
    },
    ranked: function (data, ink) {
      var traces = ["network", "control"].map(function (name, place) {
        return {
          type: "scatter",
          mode: "lines",
          name: name,
          x: data.curves[place].map(function (point) {
            return point[0];
          }),
          y: data.curves[place].map(function (point) {
            return point[1];
          }),
          line: place ? { color: ink.soft, width: 1.8, dash: "dash" } : { color: ink.ink, width: 2 },
          hovertemplate: "rank %{x:,}<br>IoU %{y:.3f}<extra>" + name + "</extra>",
        };
      });
      return {
        traces: traces,
        layout: {
          shapes: [cut("y", data.cut, ink.accent)],
          xaxis: { title: { text: "units, highest IoU first" } },
          yaxis: { title: { text: "IoU of the label" } },
        },
      };
    },
    pairs: function (data, ink) {
      var places = data.pairs.map(function (_, place) {
        return place;
      });
      var names = data.pairs.map(function (pair) {
        return plain(pair[0]);
      });
      var traces = ["network", "control"].map(function (name, number) {
        return {
          type: "scatter",
          mode: "markers",
          name: name,
          x: data.pairs.map(function (pair) {
            return pair[2 + number];
          }),
          y: places,
          customdata: names,
          marker: {
            size: 10,
            symbol: number ? "circle-open" : "circle",
            color: number
              ? ink.soft
              : data.pairs.map(function (pair) {
                  return ink[pair[1]];
                }),
          },
          hovertemplate: "%{customdata}<br>IoU %{x:.3f}<extra>" + name + "</extra>",
        };
      });
      var spans = data.pairs.map(function (pair, place) {
        return { type: "line", layer: "below", x0: pair[2], x1: pair[3], y0: place, y1: place, line: { color: ink.dim, width: 2 } };
      });
      return {
        traces: traces,
        layout: {
          shapes: spans.concat(cut("x", data.cut, ink.accent)),
          annotations: [cutName(data.cut, "IoU threshold " + data.cut, ink.accent)],
          margin: { l: 150 },
          xaxis: { title: { text: "IoU" }, showgrid: true, rangemode: "tozero" },
          yaxis: Object.assign(named(data.pairs.map(cropped)), { autorange: "reversed", showgrid: false, rangemode: "normal" }),
          showlegend: false,
        },
      };
    },
  };

  /**
   * Make plotly's layout in the page's fonts and colors, overridden by the chart's own layout.
   * @param {any} own
   * @param {Record<string, string>} ink
   * @param {DOMRect} box of the static chart
   */
  function layout(own, ink, box) {
    var axis = { gridcolor: ink.hair, zerolinecolor: ink.hair, linecolor: ink.hair, tickcolor: ink.hair, automargin: true };
    return {
      width: Math.max(280, box.width),
      height: Math.max(200, box.height),
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.querySelector("figcaption") || document.body).fontFamily, size: 12, color: ink.soft },
      hoverlabel: { bgcolor: ink.sheet, bordercolor: ink.hair, font: { color: ink.ink } },
      margin: Object.assign({ l: 48, r: 10, t: 26, b: 44 }, own.margin),
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", traceorder: "normal", font: { color: ink.soft } },
      bargap: 0.28,
      barmode: own.barmode,
      showlegend: own.showlegend,
      shapes: own.shapes,
      annotations: own.annotations,
      modebar: { bgcolor: "rgba(0,0,0,0)", color: ink.soft, activecolor: ink.accent },
      xaxis: Object.assign({}, axis, { showgrid: false, zeroline: false }, own.xaxis),
      yaxis: Object.assign({}, axis, { rangemode: "tozero" }, own.yaxis),
    };
  }

  /**
   * Replace a static chart by plotly, or draw it again in other colors.
   * @param {HTMLElement} figure
   */
  function draw(figure) {
    var stage = /** @type {HTMLElement} */ (figure.querySelector(".stage"));
    var first = stage.querySelector(":scope > svg");
    return plotly()
      .then(function (Plotly) {
        var data = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
        var ink = inks();
        var made = FIGURES[figure.dataset.chart](data, ink);
        var box = (first || stage.querySelector(".plot")).getBoundingClientRect();
        var place = stage.querySelector(".plot") || document.createElement("div");
        place.className = "plot";
        if (first) first.replaceWith(place);
        return Plotly.react(place, made.traces, layout(made.layout, ink, box), {
          displaylogo: false,
          displayModeBar: "hover",
          modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
          toImageButtonOptions: { format: "svg", filename: figure.id },
        });
      })
      .then(function () {
        figure.dataset.drawn = "yes";
        var button = figure.querySelector("[data-explore]");
        if (button) button.hidden = true;
      })
      .catch(function (error) {
        figure.dataset.drawn = "";
        var failed = figure.querySelector(".failed") || document.createElement("p");
        failed.className = "failed";
        failed.textContent = "The interactive chart did not load (" + error.message + "). Its numbers are below.";
        stage.after(failed);
      });
  }

  /** @param {HTMLElement} figure */
  function look(figure) {
    if (figure.dataset.drawn) return;
    figure.dataset.drawn = "soon";
    draw(figure);
  }

  document.querySelectorAll("[data-chart]").forEach(function (element) {
    var figure = /** @type {HTMLElement} */ (element);
    var stage = figure.querySelector(".stage");
    /** @type {number | undefined} */
    var waiting;
    stage.addEventListener("pointerenter", function (event) {
      if (/** @type {PointerEvent} */ (event).pointerType !== "mouse") return;
      waiting = window.setTimeout(look, 150, figure); // so that a pointer that only passes by draws nothing
    });
    stage.addEventListener("pointerleave", function () {
      window.clearTimeout(waiting);
    });
    figure.querySelector("[data-explore]").addEventListener("click", function () {
      look(figure);
      /** @type {HTMLElement} */ (stage).focus({ preventScroll: true });
    });
  });
  document.addEventListener("dissectory:theme", function () {
    document.querySelectorAll('[data-drawn="yes"]').forEach(function (figure) {
      draw(/** @type {HTMLElement} */ (figure));
    });
  });
})();
