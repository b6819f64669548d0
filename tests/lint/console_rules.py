#!/usr/bin/env python3
"""Rules of the console: no text becomes markup, nothing comes from elsewhere, both dictionaries are
whole, and text has contrast enough (WCAG 2.2, 1.4.3 and 1.4.11) in both themes."""
import pathlib
import re
import sys

BANNED = {
    r"\b(inner|outer)HTML\b|insertAdjacentHTML|createContextualFragment|DOMParser|document\.write|setHTML": "text becomes markup",
    r"\beval\s*\(|new Function\b|setTimeout\(\s*['\"`]|setInterval\(\s*['\"`]": "text becomes code",
    r"setAttribute\(\s*['\"`](on|style|src)|\.srcdoc\b|javascript:": "an attribute that runs or loads",
    r"localStorage[^\n]*token|document\.cookie": "the token stays in session storage",
}
ELSEWHERE = re.compile(r"\b(?:https?|wss?):|['\"(]//")
OWN_ADDRESSES = {"http://www.w3.org/2000/svg"}
PAIRS = [("text", "bg"), ("text", "panel"), ("text", "raised"), ("muted", "bg"), ("muted", "panel"), ("muted", "raised"), ("accent", "bg"), ("accent", "panel"),
         ("accent", "raised"), ("on-accent", "accent"), ("on-mark", "extreme"), ("on-mark", "severe"), ("on-mark", "moderate"), ("on-mark", "minor"),
         ("extreme", "panel"), ("extreme", "raised"), ("severe", "panel"), ("severe", "raised"), ("green", "panel"), ("on-banner", "banner"), ("bg", "text"), ("on-accent", "accent"), ("on-mark", "severe")]
# What is no text but must be told apart (1.4.11): edges of fields, lights, pieces and lines of a clock, bars of severity.
MARKS = [("edge", "raised"), ("edge", "panel"), ("green", "panel"), ("moderate", "panel"), ("minor", "panel"), ("extreme", "ahead"), ("text", "ahead"), ("accent", "ahead"),
         ("moderate", "ahead"), ("sight", "bg"), ("extreme", "bg"), ("accent", "panel")]
CONTRAST_MIN, MARK_CONTRAST_MIN = 4.5, 3


def luminance(color):
    parts = [int(color[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def themes(css):
    """The colours of both themes; the second one is laid over the first."""
    blocks = re.findall(r":root(\[data-theme='light'\])? \{([^}]*)\}", css)
    dark = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[0][1]))
    return {"dark": dark, "light": dark | dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[1][1]))}


def keys_of(text):
    return set(re.findall(r"^    '([^']+)':", text, re.M))


def used_keys(text):
    return set(re.findall(r"\bt\('([^'$]+)'", text))


def main():
    folder = pathlib.Path(sys.argv[1]).resolve() / "server" / "console"
    scripts = {path.name: path.read_text() for path in sorted(folder.glob("*.js"))}
    broken = []
    for name, text in scripts.items():
        for number, line in enumerate(text.splitlines(), 1):
            broken += [f"{name}:{number}: {why}: {line.strip()[:80]}" for pattern, why in BANNED.items() if re.search(pattern, line)]
            bare = line
            for address in OWN_ADDRESSES:
                bare = bare.replace(address, "")
            if ELSEWHERE.search(bare):
                broken.append(f"{name}:{number}: an address elsewhere: {line.strip()[:80]}")
    page = (folder / "index.html").read_text()
    if re.search(r"<style|\sstyle=|\son\w+=|<script>|https?://", page):
        broken.append("index.html: inline script or style, or an address elsewhere")
    en, zh = keys_of(scripts["lang-en.js"]), keys_of(scripts["lang-zh.js"])
    broken += [f"only in one dictionary: {key}" for key in sorted(en ^ zh)]
    used = set().union(*(used_keys(text) for text in scripts.values()))
    broken += [f"no text for: {key}" for key in sorted(used - en)]
    compared = 0
    for theme, colors in themes((folder / "base.css").read_text()).items():
        for front, ground, least in [(*pair, CONTRAST_MIN) for pair in PAIRS] + [(*pair, MARK_CONTRAST_MIN) for pair in MARKS]:
            compared += 1
            if contrast(colors[front], colors[ground]) < least:
                broken.append(f"base.css: {theme}: {front} on {ground} has a contrast of {contrast(colors[front], colors[ground]):.2f}")
    if broken:
        print("\n".join(broken))
    if len(scripts) < 20 or len(en) < 300 or len(used) < 100 or compared < 64:
        sys.exit("console_rules: too little was found: nothing was measured")
    print(f"console_rules: {len(scripts)} modules, {len(en)} texts, {compared} pairs of colours, {len(broken)} broken")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
