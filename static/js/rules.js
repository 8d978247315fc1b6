// Rules are put in order by dragging, by the arrow keys and by their buttons; nothing is kept before it is saved.
// Without script the buttons move a rule by one and keep that at once.

const list = document.querySelector("[data-order]");
const form = document.querySelector("#order");
const rules = () => [...list.children];
const order = () => rules().map((rule) => rule.id).join(" ");
const before = list ? order() : "";

function moved(rule) {
  const all = rules();
  all.forEach((each, i) => {
    each.querySelector(".rule-number").textContent = i + 1;
    const [up, down] = each.querySelectorAll("[data-move] button");
    // A button that has the focus keeps it at the list's end.
    up.setAttribute("aria-disabled", i === 0);
    down.setAttribute("aria-disabled", i === all.length - 1);
    up.disabled = false;
    down.disabled = false;
  });
  form.elements.order.value = order();
  form.hidden = order() === before;
  if (!form.hidden) {
    clearTimeout(form.looking);
    form.looking = setTimeout(() => form.querySelector("[name=act]")?.click(), 600);
  }
  const place = all.indexOf(rule) + 1;
  const name = rule.querySelector(".rule-name > span").textContent;
  document.querySelector("#order-said").textContent =
    list.dataset.moved.replace("{name}", name).replace("{place}", place);
}

function step(rule, by) {
  const beside = by < 0 ? rule.previousElementSibling : rule.nextElementSibling;
  if (!beside) return;
  // The other one moves: what has the focus stays where it is in the document.
  if (by < 0) rule.after(beside);
  else rule.before(beside);
  moved(rule);
}

list?.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-move]")) return;
  event.preventDefault();
  step(event.target.closest("li"), event.submitter.value === "up" ? -1 : 1);
});

list?.addEventListener("keydown", (event) => {
  const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!by || !event.target.closest(".rule-grip")) return;
  event.preventDefault();
  step(event.target.closest("li"), by);
});

list?.addEventListener("pointerdown", (event) => {
  const grip = event.target.closest(".rule-grip");
  if (!grip || event.button !== 0) return;
  const rule = grip.closest("li");
  const began = order();
  grip.setPointerCapture(event.pointerId);
  rule.classList.add("is-dragged");
  // Over the grip of another is its place.
  const drag = ({ clientY }) => {
    const place = (each) => each.querySelector(".rule-grip").getBoundingClientRect();
    let beside;
    while ((beside = rule.previousElementSibling) && clientY < place(beside).bottom) rule.after(beside);
    while ((beside = rule.nextElementSibling) && clientY > place(beside).top) rule.before(beside);
  };
  const drop = () => {
    grip.removeEventListener("pointermove", drag);
    rule.classList.remove("is-dragged");
    grip.focus();
    if (order() !== began) moved(rule);
  };
  grip.addEventListener("pointermove", drag);
  grip.addEventListener("lostpointercapture", drop, { once: true });
});
