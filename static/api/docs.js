// RapiDoc takes its colours as attributes. They are the console's, in the reader's light or dark.
const docs = document.querySelector("rapi-doc");
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const narrow = window.matchMedia("(width < 48rem)");

const LIGHT = {
  "theme": "light",
  "bg-color": "#f6f8f7",
  "text-color": "#17211e",
  "primary-color": "#0a675a",
  "nav-bg-color": "#eef2f0",
  "nav-text-color": "#4f5d58",
  "nav-hover-bg-color": "#dfe6e3",
  "nav-hover-text-color": "#17211e",
  "nav-accent-color": "#0a675a",
};
const DARK = {
  "theme": "dark",
  "bg-color": "#0f1413",
  "text-color": "#e7eeeb",
  "primary-color": "#5fc7b3",
  "nav-bg-color": "#0b100f",
  "nav-text-color": "#a4b2ad",
  "nav-hover-bg-color": "#29332f",
  "nav-hover-text-color": "#e7eeeb",
  "nav-accent-color": "#5fc7b3",
};

function follow() {
  for (const [name, value] of Object.entries(dark.matches ? DARK : LIGHT)) docs.setAttribute(name, value);
}

// A phone has no room for the list of operations at the side: all of them stand one below the other.
function fit() {
  docs.setAttribute("render-style", narrow.matches ? "read" : "focused");
}

dark.addEventListener("change", follow);
narrow.addEventListener("change", fit);
follow();
fit();

// What its own style sheet leaves askew.
const amends = new CSSStyleSheet();
amends.replaceSync(`
  #api-info { margin-inline-start: 0; }
  .m-markdown code, .m-markdown-small code { color: inherit; }
  @container (width < 768px) { .section-gap--read-mode { padding: 1rem; } }
`);
customElements.whenDefined("rapi-doc").then(() => docs.shadowRoot.adoptedStyleSheets.push(amends));
