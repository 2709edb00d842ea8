/* The arrow keys open the previous or next unit or layer. */
(function () {
  "use strict";
  document.addEventListener("keydown", function (event) {
    var leaves = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
    if (!leaves || event.target !== document.body || event.ctrlKey || event.metaKey || event.altKey) return;
    var link = /** @type {HTMLAnchorElement | null} */ (document.querySelector('.turn a[rel="' + leaves + '"]'));
    if (link) link.click();
  });
})();
