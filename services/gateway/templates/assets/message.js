'use strict';
// Hands the answer to the window that opened this one, if a page of the application's origin is in it, and closes this one.
{
  const { origin, answer } = document.getElementById('answer').dataset;
  if (window.opener) {
    window.opener.postMessage({ type: 'authorization_response', response: JSON.parse(answer) }, origin);
    window.close();
  } else {
    document.getElementById('answer').hidden = true;
    document.getElementById('alone').hidden = false;
  }
}
