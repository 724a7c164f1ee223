// Appended to a page by tests/report.rs: looks at it as it is laid out and tells the page around it what is wrong.
(function () {
  const findings = new Set();
  const name = (element) => element.tagName + "." + element.className + " " + element.textContent.trim().slice(0, 40);
  const all = (selector, within) => [...(within || document).querySelectorAll(selector)];
  // Without scrolling: what to run, and the table; on a screen, the picture too.
  const ends = (selector) => all(selector).map((element) => element.getBoundingClientRect().bottom);
  const wanted = all(".pair").length ? [".verdict"] : innerWidth > 900 ? [".verdict", ".picks", ".answer svg"] : [".verdict", ".picks"];
  for (const selector of wanted) {
    const end = ends(selector)[0];
    if (!(end <= innerHeight)) findings.add("not on the first screen: " + selector + " ends at " + end);
  }

  // Nothing of the answer is left out, cut, or pushed sideways: all of every cell lies in it, and it in its table's room.
  all(".picks").forEach((table) => {
    const room = table.parentElement.getBoundingClientRect();
    const text = document.createRange();
    const wrong = (what, cell) => findings.add("the answer's table: " + what + ": " + name(cell));
    all("caption, th, td", table).forEach((cell) => {
      text.selectNodeContents(cell);
      const box = cell.getBoundingClientRect();
      const lines = [...text.getClientRects()];
      const right = Math.max(...lines.map((line) => line.right));
      const left = Math.min(...lines.map((line) => line.left));
      if (!(box.width > 0 && box.height > 0)) wrong("left out", cell);
      else if (box.right > room.right + 1 || right > room.right + 1 || right > innerWidth) wrong("cut", cell);
      else if (right > box.right + 1 || left < box.left - 1) wrong("beyond its cell", cell);
    });
    for (let around = table; around; around = around.parentElement)
      if (around.scrollWidth > around.clientWidth + 1) wrong("scrolls sideways", around);
  });

  // What is folded must fit as well.
  all("details").forEach((details) => (details.open = true));

  if (document.documentElement.scrollWidth > innerWidth) findings.add("the page scrolls sideways");
  all("body *").forEach((element) => {
    if (element.closest(".scroll, pre, nav, svg, script")) return;
    const box = element.getBoundingClientRect();
    if (box.width > 0 && box.right > innerWidth + 1) findings.add("wider than the page: " + name(element));
  });

  let level = 0;
  all("h1, h2, h3, h4").forEach((heading) => {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) findings.add("a heading skips a level: " + name(heading));
    level = own;
  });

  all("figure").forEach((figure) => {
    if (!figure.querySelector("figcaption")) findings.add("a figure without a caption: " + name(figure));
    if (!figure.querySelector("svg[role=img][aria-label] > title")) findings.add("a figure without a named picture");
  });
  all("figure:not(.flamegraph) svg").forEach((svg) => {
    const title = svg.getAttribute("aria-label");
    const texts = all("text", svg);
    const size = Math.min(...texts.map((text) => parseFloat(getComputedStyle(text).fontSize))) * svg.getScreenCTM().a;
    if (!(size >= 11)) findings.add("text of " + size + " pixels: " + title);
    const page = svg.getBoundingClientRect();
    const boxes = texts.map((text) => text.getBoundingClientRect());
    boxes.forEach((one, index) => {
      if (one.left < page.left - 1 || one.right > page.right + 1)
        findings.add("text beyond the edge: " + title + ": " + texts[index].textContent.trim());
      boxes.slice(index + 1).forEach((other, next) => {
        // Boxes have room above and below the letters.
        const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
        const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
        if (across > 1 && down > one.height * 0.3)
          findings.add("text over text: " + title + ": " + texts[index].textContent.trim() + " / "
            + texts[index + 1 + next].textContent.trim());
      });
    });
    // A colour that the style sheet does not know would be drawn black, on black paper too.
    all("[fill^='var('], [stroke^='var(']", svg).forEach((shape) => {
      for (const use of [shape.getAttribute("fill"), shape.getAttribute("stroke")]) {
        const variable = /^var\((.*)\)$/.exec(use);
        if (variable && !getComputedStyle(shape).getPropertyValue(variable[1])) findings.add("no colour " + use);
      }
    });
  });

  findings.add("looked at " + all("figure").length + " figures at " + innerWidth + " pixels");
  parent.postMessage([...findings], "*");
})();
