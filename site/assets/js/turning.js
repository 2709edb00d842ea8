/* The arrow keys turn from a unit or a layer to the one before or after it. */
(function () {
  "use strict";
  document.addEventListener("keydown", function (event) {
    var leaves = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
    if (!leaves || event.target !== document.body || event.ctrlKey || event.metaKey || event.altKey) return;
    var link = /** @type {HTMLAnchorElement | null} */ (document.querySelector('.turn a[rel="' + leaves + '"]'));
    if (link) link.click();
  });
})();
