// @ts-check
/** The audio device's clock as the page sees it. */

/**
 * The context time that leaves the loudspeaker, and when. Some browsers say zero until sound has run for a while (or
 * have no such call): then the output latency stands in.
 * @param {AudioContext} context
 * @returns {{contextTime: number, performanceTime: number}}
 */
export function outputTime(context) {
  const stamp = context.getOutputTimestamp?.();
  if (stamp?.performanceTime && stamp.contextTime !== undefined) {
    return { contextTime: stamp.contextTime, performanceTime: stamp.performanceTime };
  }
  const latency = (context.outputLatency || context.baseLatency) ?? 0;
  return { contextTime: context.currentTime - latency, performanceTime: performance.now() };
}
