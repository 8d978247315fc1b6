// The page follows the reader's light or dark, which RapiDoc wants to be told.
const docs = document.querySelector("rapi-doc");
const dark = window.matchMedia("(prefers-color-scheme: dark)");

function follow() {
  docs.setAttribute("theme", dark.matches ? "dark" : "light");
  docs.setAttribute("nav-bg-color", dark.matches ? "#161b22" : "#f6f8fa");
  docs.setAttribute("nav-text-color", dark.matches ? "#c3cbd6" : "#3a4655");
  docs.setAttribute("nav-hover-bg-color", dark.matches ? "#222a35" : "#e9edf2");
  docs.setAttribute("primary-color", dark.matches ? "#8db4f2" : "#2456a6");
}

dark.addEventListener("change", follow);
follow();
