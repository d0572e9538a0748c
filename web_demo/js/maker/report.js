// @ts-check
/** What was judged of a photo or a video, in words for people. */

/** @typedef {{value: number, unit: string, verdict: "good"|"fair"|"poor"}} Judged */
/** @typedef {{term: string, text: string, verdict: "good"|"fair"|"poor"}} Fact */

const ORDER = /** @type {const} */ (["poor", "fair", "good"]);

/** By what is judged: its name, and words for good, fair and poor. @type {Record<string, {term: string, words: [string, string, string]}>} */
const WORDS = {
  eye_span: { term: "Size of the face", words: ["large", "could be larger", "small"] },
  pose: { term: "Pose", words: ["straight", "a little turned", "turned"] },
  mouth: { term: "Mouth", words: ["closed", "nearly closed", "open"] },
  sharpness: { term: "Sharpness", words: ["sharp", "a little soft", "out of focus"] },
  brightness: { term: "Light", words: ["good", "could be better", "too dark or too bright"] },
  evenness: { term: "Evenness of light", words: ["even", "from one side", "hard, from one side"] },
};
const ANGLES = ["yaw", "pitch", "roll"];

/**
 * @param {Record<string, any>} report  of a job, by step
 * @returns {Fact[]}
 */
export function factsOf(report) {
  /** @type {Record<string, Judged>} */
  const judged = Object.assign({}, ...Object.values(report).map((step) => step?.judged ?? {}));
  const angles = ANGLES.flatMap((name) => (judged[name] ? [judged[name]] : []));
  if (angles.length) judged.pose = angles.reduce((worst, one) => (ORDER.indexOf(one.verdict) < ORDER.indexOf(worst.verdict) ? one : worst));
  return Object.entries(WORDS).flatMap(([name, { term, words }]) => {
    const { verdict } = judged[name] ?? {};
    if (!ORDER.includes(verdict)) return [];
    const [good, fair, poor] = words;
    return [{ term, verdict, text: { good, fair, poor }[verdict] }];
  });
}
