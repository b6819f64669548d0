/* Before anything is painted: the theme that was chosen, else the system's. */
(() => {
    const chosen = localStorage.getItem('gridd.theme');
    const dark = chosen ? chosen === 'dark' : !matchMedia('(prefers-color-scheme: light)').matches;
    document.documentElement.dataset.theme = dark ? 'dark' : 'light';
})();
/* Leaflet would put every mark into a layer of its own, and a layer costs something in each frame of the page. */
window.L_DISABLE_3D = true;
