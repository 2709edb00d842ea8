/* Code snippets with a button that copies them. */
(function () {
  "use strict";

  /**
   * Copy a text, also if the clipboard is not available (pages opened from a folder).
   * @param {HTMLElement} source
   * @returns {Promise<void>}
   */
  function copy(source) {
    if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(source.textContent);
    var selection = getSelection();
    selection.selectAllChildren(source);
    var done = document.execCommand("copy");
    selection.removeAllRanges();
    return done ? Promise.resolve() : Promise.reject(new Error("copying is not allowed here"));
  }

  document.addEventListener("click", function (event) {
    var button = /** @type {Element} */ (event.target).closest("[data-copy]");
    if (!button) return;
    copy(button.parentElement.querySelector("code")).then(
      function () {
        button.textContent = "Copied";
      },
      function () {
        button.textContent = "Select and copy by hand";
      },
    );
    window.setTimeout(function () {
      button.textContent = "Copy";
    }, 2000);
  });
})();
