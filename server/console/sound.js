/* A two-tone alarm while something extreme is not acknowledged. Browsers let a page make a sound only
 * after somebody has touched it: until then the switch shows that it is waiting. */
const REPEAT_MS = 4000;
let context = null, timer = null;

function tone(frequency, at, length) {
    const oscillator = context.createOscillator(), volume = context.createGain();
    oscillator.frequency.value = frequency;
    volume.gain.setValueAtTime(0.0001, at);
    volume.gain.exponentialRampToValueAtTime(0.25, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + length);
    oscillator.connect(volume).connect(context.destination);
    oscillator.start(at);
    oscillator.stop(at + length);
}

function ring() {
    if (context?.state === 'running') {
        const now = context.currentTime;
        tone(880, now, 0.25);
        tone(660, now + 0.3, 0.35);
    }
}

export const alarm = {
    allow() {
        context ??= new AudioContext();
        return context.resume();
    },
    isRinging: () => timer !== null,
    set(wanted) {
        if (wanted && timer === null) {
            ring();
            timer = setInterval(ring, REPEAT_MS);
        } else if (!wanted && timer !== null) {
            clearInterval(timer);
            timer = null;
        }
    },
};
