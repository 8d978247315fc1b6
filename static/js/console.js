// What the console adds where a browser runs scripts. Every page reads and works without it.

document.documentElement.classList.add("has-script");

// Copy buttons: <button data-copy="#id">, which says for a moment that it has.
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  const source = document.querySelector(button.dataset.copy);
  const label = button.querySelector("[data-label]");
  if (!source || !label) return;
  await navigator.clipboard.writeText(source.textContent.trim());
  const before = label.textContent;
  label.textContent = button.dataset.done;
  setTimeout(() => { label.textContent = before; }, 2000);
});

// Of tabs that do not fit beside one another, the open one is seen.
for (const tab of document.querySelectorAll(".tabs [aria-current=page]")) {
  const tabs = tab.closest(".tabs");
  tabs.scrollLeft = tab.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;
}

// A form that takes its time says so, and is sent once.
document.addEventListener("submit", ({ submitter }) => {
  const label = submitter?.dataset.busy && submitter.querySelector("[data-label]");
  if (!label) return;
  label.textContent = submitter.dataset.busy;
  submitter.setAttribute("aria-busy", "true");
  submitter.disabled = true;
});

// A menu closes when the attention goes elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.activeElement?.closest?.("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// A link to what is folded away unfolds it.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.('a[href^="#"]');
  const fold = link?.hash.length > 1 && document.querySelector(link.hash)?.closest("details");
  if (fold) fold.open = true;
});

// In a chart the arrow keys go from bar to bar.
document.addEventListener("keydown", (event) => {
  const bar = event.target.closest?.("[data-arrows] > [tabindex]");
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!bar || !step) return;
  const bars = [...bar.parentElement.querySelectorAll(":scope > [tabindex]")];
  const next = bars[bars.indexOf(bar) + step];
  if (!next) return;
  event.preventDefault();
  bar.setAttribute("tabindex", "-1");
  next.setAttribute("tabindex", "0");
  next.focus();
});

document.addEventListener("htmx:config:request", (event) => {
  const { ctx } = event.detail;
  // Live parts rest while nobody looks at them.
  if (ctx.sourceEvent?.type === "every" && document.hidden) {
    event.preventDefault();
    return;
  }
  // Filters that are not set stay out of the address.
  if (ctx.request.method === "GET" && ctx.sourceElement.matches("form")) {
    for (const [name, value] of [...ctx.request.body]) {
      if (value === "") ctx.request.body.delete(name);
    }
  }
});

// After a pause the live parts catch up at once.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  for (const live of document.querySelectorAll("[data-live]")) htmx.trigger(live, "every");
});
