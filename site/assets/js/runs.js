/* Sets of numbers as text for links: run lengths, alternately outside and inside the set. */
(function () {
  "use strict";

  /** @param {Set<number>} chosen @param {number} count the numbers are chosen from 0 to count - 1 */
  function packed(chosen, count) {
    var runs = [0];
    for (var number = 0; number < count; number++) {
      if (chosen.has(number) !== (runs.length % 2 === 0)) runs.push(0);
      runs[runs.length - 1]++;
    }
    if (runs.length % 2) runs.pop();
    return runs
      .map(function (length) {
        return length.toString(36);
      })
      .join("-");
  }

  /** @param {string} text @param {number} count @returns {Set<number> | null} null if the text is not a valid set */
  function unpacked(text, count) {
    if (!/^[0-9a-z]{1,4}(-[0-9a-z]{1,4})*$/.test(text)) return null;
    var chosen = new Set();
    var at = 0;
    var good = text.split("-").every(function (part, place) {
      var end = at + parseInt(part, 36);
      if (end > count) return false;
      for (; at < end; at++) if (place % 2) chosen.add(at);
      return true;
    });
    return good ? chosen : null;
  }

  window.dissectoryRuns = { packed: packed, unpacked: unpacked };
})();
