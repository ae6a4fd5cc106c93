"use strict";
(() => {
  const cards = [...document.querySelectorAll(".card")];
  const text = document.querySelector("#text");
  const told = document.querySelector("#told");
  const empty = document.querySelector(".empty");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const words = new Map();

  const wordsOf = (card) => {
    if (!words.has(card)) words.set(card, card.textContent.toLowerCase());
    return words.get(card);
  };

  const filter = () => {
    const state = document.querySelector("input[name=state]:checked").value;
    const wanted = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const card of cards) {
      const fits = (!state || card.dataset.state === state) && wanted.every((word) => wordsOf(card).includes(word));
      card.hidden = !fits;
      shown += fits;
    }
    told.value = shown === cards.length ? "" : `${shown} of ${cards.length} shown`;
    empty.hidden = shown > 0;
  };

  const play = (thumb) => {
    if (calm.matches || thumb.querySelector("video")) return;
    const video = document.createElement("video");
    Object.assign(video, { muted: true, loop: true, playsInline: true, tabIndex: -1, src: thumb.href });
    video.setAttribute("aria-hidden", "true");
    video.addEventListener("playing", () => thumb.classList.add("plays"));
    thumb.append(video);
    video.play().catch(() => {}); // it was left again, or the file is gone: the poster stays
  };

  const stop = (thumb) => {
    const video = thumb.querySelector("video");
    if (!video || thumb.matches(":hover, :focus-visible")) return;
    thumb.classList.remove("plays");
    video.pause();
    video.removeAttribute("src");
    video.load(); // lets the file go
    video.remove();
  };

  const at = (event) => event.target.closest?.("a.thumb");
  const grid = document.querySelector(".grid");
  for (const [begin, end] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
    grid.addEventListener(begin, (event) => at(event) && play(at(event)));
    grid.addEventListener(end, (event) => {
      const thumb = at(event);
      if (thumb && !thumb.contains(event.relatedTarget)) setTimeout(stop, 0, thumb);
    });
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== text && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      text.focus();
    } else if (event.key === "Escape" && document.activeElement === text) {
      text.value = "";
      filter();
    }
  });
  const bar = document.querySelector(".bar");
  bar.addEventListener("input", () => {
    filter();
    const above = grid.getBoundingClientRect().top - bar.offsetHeight;
    if (above < 0) scrollBy(0, above); // the first that fits is seen
  });
  bar.hidden = false;
  filter(); // a browser may have kept what was set before
})();
