/** Tells the operator once when batches are no longer taken, and once when they are again. */
export interface Trouble {
  fails(reason: string): void;
  works(): void;
}

/** `what` is exported to `url`; `lost` counts what was not, since the start. */
export function troubleOf(what: string, url: string, tell: (text: string) => void, lost = () => 0): Trouble {
  const where = `OpenTelemetry: ${what} to ${placeOf(url)}`;
  let failing = false;
  let before = 0;
  return {
    fails(reason) {
      if (failing) return;
      failing = true;
      before = lost();
      tell(`${where} cannot be exported: ${reason}`);
    },
    works() {
      if (!failing) return;
      failing = false;
      const count = lost() - before;
      tell(`${where} are exported again${count === 0 ? '' : `; ${count} were lost`}`);
    },
  };
}

/** A query may hold a key. */
function placeOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
