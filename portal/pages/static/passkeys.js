// Adds and uses passkeys: the browser's ceremony between two requests of a form that its page already has.

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const words = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const named = (list) => (list ?? []).map((each) => ({ ...each, id: bytes(each.id) }));

async function options(form) {
  const body = new URLSearchParams(new FormData(form));
  const answer = await fetch(`${form.getAttribute("action")}/options`, { method: "POST", body });
  return answer.ok ? await answer.json() : null;
}

async function create(asked) {
  const publicKey = {
    ...asked,
    challenge: bytes(asked.challenge),
    user: { ...asked.user, id: bytes(asked.user.id) },
    excludeCredentials: named(asked.excludeCredentials),
  };
  const made = await navigator.credentials.create({ publicKey });
  return {
    attestationObject: words(made.response.attestationObject),
    clientDataJSON: words(made.response.clientDataJSON),
    made,
  };
}

async function get(asked) {
  const publicKey = { ...asked, challenge: bytes(asked.challenge), allowCredentials: named(asked.allowCredentials) };
  const made = await navigator.credentials.get({ publicKey });
  return {
    authenticatorData: words(made.response.authenticatorData),
    clientDataJSON: words(made.response.clientDataJSON),
    signature: words(made.response.signature),
    made,
  };
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  const card = document.getElementById("passkey");
  if (card) card.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button:not(.tip)");
    button.disabled = true;
    try {
      const asked = await options(form);
      if (asked) {
        const { made, ...response } = await (form.dataset.passkey === "get" ? get(asked) : create(asked));
        const proof = { id: made.id, rawId: words(made.rawId), type: made.type, response };
        form.elements.credential.value = JSON.stringify(proof);
      }
    } catch {
      // Nobody touched the key, or the browser refused: the server says what to do next.
    }
    form.submit();
  });
}
