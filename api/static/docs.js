// Starts the viewer that the page has loaded.
const viewer = document.querySelector("#viewer");
const { document: url, viewer: kind } = viewer.dataset;

if (kind === "swagger" && window.SwaggerUIBundle) {
  window.SwaggerUIBundle({
    url,
    domNode: viewer,
    deepLinking: true,
    docExpansion: "none",
    validatorUrl: null,
    tryItOutEnabled: true,
  });
} else if (kind === "redoc" && window.Redoc) {
  window.Redoc.init(url, { disableSearch: false, hideDownloadButton: true }, viewer);
}
