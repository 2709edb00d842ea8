/* Tables that are sorted by a click on a header and filtered by forms; a long table first shows only its first rows. */
(function () {
  "use strict";
  var MOST = 200; // rows of a long table that are shown before the reader asks for all
  var words = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  /**
   * Return the value that a cell is sorted by: its data-value, or its text.
   * @param {HTMLTableRowElement} row
   * @param {number} column
   * @returns {string}
   */
  function value(row, column) {
    var cell = row.cells[column];
    return cell.dataset.value !== undefined ? cell.dataset.value : cell.textContent.trim();
  }

  /**
   * Sort a table by the column of a header; a second click reverses the order.
   * @param {HTMLButtonElement} button
   */
  function sort(button) {
    var header = /** @type {HTMLTableCellElement} */ (button.closest("th"));
    var table = header.closest("table");
    var isNumber = button.dataset.sort === "number";
    var before = header.getAttribute("aria-sort");
    var falling = before === "none" ? isNumber : before === "ascending";
    table.querySelectorAll("th[aria-sort]").forEach(function (other) {
      other.setAttribute("aria-sort", "none");
    });
    header.setAttribute("aria-sort", falling ? "descending" : "ascending");
    var keyed = Array.from(table.tBodies[0].rows, function (row, place) {
      var key = value(row, header.cellIndex);
      return { row: row, place: place, key: isNumber ? parseFloat(key.replace(/,/g, "")) || 0 : key };
    });
    keyed.sort(function (a, b) {
      var order = isNumber ? a.key - b.key : words.compare(a.key, b.key);
      return (falling ? -order : order) || a.place - b.place;
    });
    table.tBodies[0].append.apply(
      table.tBodies[0],
      keyed.map(function (item) {
        return item.row;
      }),
    );
    document.querySelectorAll('[data-filters="' + table.id + '"]').forEach(filter);
  }

  /**
   * Show the rows that pass a form's filters, or the first of them, and show their number.
   * @param {HTMLFormElement} form
   */
  function filter(form) {
    var table = /** @type {HTMLTableElement} */ (document.getElementById(form.dataset.filters));
    var text = form.elements.namedItem("text").value.trim().toLowerCase();
    var kinds = Array.from(form.querySelectorAll("[name=category]"));
    var hidden = kinds
      .filter(function (box) {
        return !box.checked;
      })
      .map(function (box) {
        return box.value;
      });
    var only = Array.from(form.querySelectorAll("[name=only]:checked"));
    var rows = table.tBodies[0].rows;
    var shown = 0;
    for (var row of rows) {
      var fits =
        (!text || row.textContent.toLowerCase().includes(text)) &&
        (!hidden.length || (row.dataset.category !== "" && !hidden.includes(row.dataset.category))) &&
        only.every(function (box) {
          return row.dataset[box.value] !== undefined;
        });
      row.hidden = !fits || (shown >= MOST && form.dataset.whole === undefined);
      shown += Number(fits);
    }
    var all = counted(rows.length);
    form.elements.namedItem("count").value = shown === rows.length ? all + " rows" : counted(shown) + " of " + all;
    document.querySelector('[data-nothing="' + table.id + '"]').hidden = shown > 0;
    var more = /** @type {HTMLButtonElement | null} */ (document.querySelector('[data-rest="' + table.id + '"]'));
    if (more) {
      more.hidden = shown <= MOST || form.dataset.whole !== undefined;
      more.textContent = "Show the other " + counted(shown - MOST) + " rows";
    }
  }

  /** @param {number} count */
  function counted(count) {
    return count.toLocaleString("en");
  }

  /**
   * Put a button below a long table that shows all of its rows.
   * @param {HTMLFormElement} form
   */
  function fold(form) {
    var table = /** @type {HTMLTableElement} */ (document.getElementById(form.dataset.filters));
    if (table.tBodies[0].rows.length <= MOST) return;
    var more = document.createElement("button");
    more.type = "button";
    more.className = "rest";
    more.dataset.rest = table.id;
    more.addEventListener("click", function () {
      var hidden = Array.from(table.tBodies[0].rows).filter(function (row) {
        return row.hidden;
      });
      form.dataset.whole = "";
      filter(form);
      var first = hidden.find(function (row) {
        return !row.hidden;
      });
      var link = first && first.querySelector("a");
      if (link) link.focus({ preventScroll: true });
    });
    (table.closest(".scroll") || table).after(more);
  }

  document.addEventListener("click", function (event) {
    var button = /** @type {Element} */ (event.target).closest("[data-sort]");
    if (button) sort(/** @type {HTMLButtonElement} */ (button));
  });
  document.querySelectorAll("[data-filters]").forEach(function (element) {
    var form = /** @type {HTMLFormElement} */ (element);
    form.addEventListener("input", function () {
      filter(form);
    });
    form.addEventListener("submit", function (event) {
      event.preventDefault();
    });
    fold(form);
    filter(form);
  });
})();
