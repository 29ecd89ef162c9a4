"use strict";
// Sorts and filters the rows of a page's tables; without it they are there in the order of their files.
document.querySelectorAll(".filterable").forEach((place, index) => {
  const table = place.querySelector("table[data-sortable]");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const headings = Array.from(table.tHead.rows[0].cells);
  const text = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value ?? cell.textContent.trim();
  };
  const number = (value) => (value === "" ? NaN : Number(value.replace(/,/g, "")));

  headings.forEach((heading, column) => {
    if (heading.tagName !== "TH" || (rows[0] && rows[0].cells[column].classList.contains("picture"))) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const values = new Map(rows.map((row) => [row, text(row, column)]));
      const numeric = rows.every((row) => values.get(row) === "" || !Number.isNaN(number(values.get(row))));
      rows.sort((a, b) => {
        const [x, y] = [values.get(a), values.get(b)];
        if (x === "" || y === "") return (x === "") - (y === "");
        const order = numeric ? number(x) - number(y) : x.localeCompare(y, undefined, { numeric: true });
        return down ? -order : order;
      });
      body.append(...rows);
    });
  });

  if (rows.length < 5) return;
  const form = document.createElement("div");
  form.className = "filter";
  form.setAttribute("role", "search");
  const field = (label, type) => {
    const outer = document.createElement("label");
    const input = document.createElement("input");
    input.type = type;
    if (type === "number") input.step = "any";
    outer.append(label, input);
    form.append(outer);
    input.addEventListener("input", filter);
    return input;
  };
  const words = field(table.classList.contains("runs") ? "Filter by name, model, layer" : "Filter by layer, unit, name", "search");
  const names = headings.map((heading) => heading.textContent);
  const measured = names.indexOf("activation");
  const bounds = measured < 0 ? [] : [field("Activation from", "number"), field("to", "number")];
  const count = document.createElement("output");
  form.append(count);
  place.prepend(form);

  function filter() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const whole = row.textContent.toLowerCase();
      const value = measured < 0 ? NaN : number(text(row, measured));
      const inside = bounds.every((bound, side) => bound.value === "" || (side ? value <= Number(bound.value) : value >= Number(bound.value)));
      row.hidden = !(inside && wanted.every((word) => whole.includes(word)));
      shown += !row.hidden;
    }
    count.value = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} shown`;
  }
  filter();
});
