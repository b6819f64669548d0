/* Before anything is painted: the theme that was chosen, else the system's. */
(() => {
    const chosen = localStorage.getItem('gridd.theme');
    const dark = chosen ? chosen === 'dark' : !matchMedia('(prefers-color-scheme: light)').matches;
    document.documentElement.dataset.theme = dark ? 'dark' : 'light';
})();
