/* Switches whose choice is remembered: light or dark theme, masks on or off. */
(function () {
  "use strict";
  var root = document.documentElement;

  /**
   * Remember a choice if the browser allows it; it may not for pages opened from a folder.
   * @param {string} key
   * @param {string} value
   */
  function remember(key, value) {
    try {
      localStorage.setItem(key, value);
    } catch (error) {
      /* The choice applies to this page only. */
    }
  }

  /** @returns {boolean} whether the theme is dark, by choice or by the system's setting */
  function isDark() {
    var chosen = root.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  /** Notify everything that depends on the colors. */
  function announce() {
    var button = document.querySelector("[data-theme-switch]");
    if (button) button.setAttribute("aria-pressed", String(isDark()));
    document.dispatchEvent(new CustomEvent("dissectory:theme"));
  }

  /** Set all mask switches to the page's state. */
  function showMasks() {
    var on = root.dataset.mask !== "off";
    document.querySelectorAll("[data-mask-switch]").forEach(function (button) {
      button.setAttribute("aria-checked", String(on));
    });
  }

  document.addEventListener("click", function (event) {
    var target = /** @type {Element} */ (event.target);
    if (target.closest("[data-theme-switch]")) {
      root.dataset.theme = isDark() ? "light" : "dark";
      remember("dissectory-theme", root.dataset.theme);
      announce();
    }
    if (target.closest("[data-mask-switch]")) {
      root.dataset.mask = root.dataset.mask === "off" ? "on" : "off";
      remember("dissectory-mask", root.dataset.mask);
      showMasks();
    }
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", announce);
  announce();
  showMasks();
})();
