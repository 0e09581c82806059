/** Hands a file to the browser, which saves it as it saves any download. */

/** Saves a text under a name. Needs no kernel. */
export function saveFile(name: string, text: string, type: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // the download has read it by then
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
