/** What Node itself calls between two callbacks. It is not documented (DEP0134), and has been there since Node 0.10. */
type Node = { readonly _tickCallback?: () => void };

/**
 * Runs every promise that is ready, and those that become so, before it returns; not from within one. A world has a
 * million steps in some seconds, and whatever comes back here by itself (`nextTick`, `setImmediate`) costs each a
 * fifteenth more.
 */
export const runReady: () => void = (() => {
  const { _tickCallback } = process as Node;
  if (_tickCallback === undefined)
    throw new Error(`Node ${process.version} has no process._tickCallback, which the simulator needs`);
  return _tickCallback;
})();
