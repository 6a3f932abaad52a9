// Leads from the form on the front page to the answer for what was typed.
document.querySelector("form.ask").addEventListener("submit", (event) => {
  event.preventDefault();
  location.href = "/vmkerr/" + encodeURIComponent(event.target.q.value);
});
