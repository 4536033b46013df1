/** Copies text to the clipboard. Returns false if the browser denies it, as over plain HTTP to another host. */
export async function copyToClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
