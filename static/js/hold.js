// A button that is held: <button data-hold="2000" data-form="#id">. It fills a ring while a finger, a mouse, Space or Enter is
// down on it, and sends its form when the ring is full. Whoever lets go early has done nothing, and is told so.

const CALM = matchMedia("(prefers-reduced-motion: reduce)");

// What is missing is said at its field, and stays there until something is typed.
function lacking(event) {
  const field = event.target;
  const said = field.dataset.missing && document.querySelector(field.dataset.missing);
  if (!said) return;
  event.preventDefault();
  said.hidden = false;
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", said.id);
  field.focus();
  field.addEventListener("input", () => {
    said.hidden = true;
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }, { once: true });
}

class Hold {
  constructor(button) {
    this.button = button;
    this.form = document.querySelector(button.dataset.form);
    this.said = document.getElementById(button.getAttribute("aria-describedby"));
    this.ring = button.querySelector("[data-ring]");
    this.span = Number(button.dataset.hold);
    this.began = null;
    this.done = false;
    this.say(button.dataset.idle);
    this.form?.addEventListener("invalid", lacking, true);
    const on = (name, act) => button.addEventListener(name, act);
    on("pointerdown", (event) => {
      if (event.button !== 0 || !event.isPrimary) return;
      button.setPointerCapture(event.pointerId);
      this.begin();
    });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) on(name, () => this.letGo());
    // A finger that slides off the button lets go.
    on("pointermove", (event) => {
      if (this.began !== null && !this.isOver(event)) this.letGo();
    });
    on("keydown", (event) => {
      if (event.key !== " " && event.key !== "Enter") {
        if (event.key === "Escape") this.letGo();
        return;
      }
      event.preventDefault();
      if (!event.repeat) this.begin();
    });
    on("keyup", (event) => {
      if (event.key === " " || event.key === "Enter") {
        event.preventDefault();
        this.letGo();
      }
    });
    // What clicks without holding, such as a screen reader, hears what else can be done.
    on("click", (event) => {
      event.preventDefault();
      if (!this.done && event.detail === 0) this.say(button.dataset.click);
    });
    on("contextmenu", (event) => event.preventDefault());
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.letGo();
    });
  }

  isOver({ clientX, clientY }) {
    const { left, right, top, bottom } = this.button.getBoundingClientRect();
    return clientX >= left && clientX <= right && clientY >= top && clientY <= bottom;
  }

  say(words) {
    if (this.said && words && this.said.textContent !== words) this.said.textContent = words;
  }

  // Where something is still to be filled in, it is said before anybody waits.
  begin() {
    if (this.done || this.began !== null || !this.form) return;
    if (!this.form.reportValidity()) return;
    this.began = performance.now();
    this.button.classList.add("is-held");
    this.say(this.button.dataset.held);
    this.step();
  }

  step() {
    if (this.began === null) return;
    const part = Math.min((performance.now() - this.began) / this.span, 1);
    this.fill(part);
    if (part >= 1) {
      this.send();
      return;
    }
    this.timer = setTimeout(() => this.step(), 16);
  }

  // In quarters for whoever wants no motion.
  fill(part) {
    const shown = CALM.matches ? Math.floor(part * 4) / 4 : part;
    this.ring?.style.setProperty("stroke-dashoffset", String(100 - shown * 100));
  }

  letGo() {
    if (this.began === null || this.done) return;
    clearTimeout(this.timer);
    this.began = null;
    this.button.classList.remove("is-held");
    this.fill(0);
    this.say(this.button.dataset.aborted);
  }

  send() {
    this.done = true;
    this.began = null;
    this.button.disabled = true;
    this.button.setAttribute("aria-busy", "true");
    this.say(this.button.dataset.sent);
    // A form that can also be sent in another way learns how it was.
    if (this.form.elements.by) this.form.elements.by.value = "hold";
    this.form.requestSubmit();
  }
}

const known = new WeakSet();

function find() {
  for (const button of document.querySelectorAll("[data-hold]")) {
    if (known.has(button)) continue;
    known.add(button);
    new Hold(button);
  }
}

find();
// Parts of a page come and go.
new MutationObserver(find).observe(document.body, { childList: true, subtree: true });
// A page that comes back from the browser's memory has sent nothing yet.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
