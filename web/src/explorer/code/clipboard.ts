/** Puts a text on the clipboard; whether it worked. Over plain HTTP to another machine browsers refuse. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
