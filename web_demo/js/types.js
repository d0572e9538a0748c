// @ts-check
/**
 * Shapes that several modules share; nothing here runs.
 *
 * @typedef {object} Avatar
 * @property {string} id
 * @property {string} name
 * @property {string} poster_url
 * @property {string} idle_url
 * @property {boolean} [default]
 * @property {boolean} [builtin]  ships with the program
 * @property {string[]} [engines]  face engines that can move its lips
 * @property {"own"|"transparent"|"video"} [background]
 * @property {string|null} [alpha_url]  where the poster shows the person; of those without a background
 *
 * @typedef {object} Limits  bytes; absent where unknown
 * @property {number} [photo_bytes]
 * @property {number} [source_bytes]  of a photo or video, and what is behind it, together
 * @property {number} [avatar_bytes]  of an avatar's file
 *
 * @typedef {object} Voice
 * @property {string} name
 * @property {string} engine
 * @property {string[]} languages
 * @property {string} description
 *
 * @typedef {object} VoiceFinding
 * @property {string} code
 * @property {string} message
 *
 * @typedef {object} VoiceCheck  levels in decibels of full scale
 * @property {number} sent_seconds
 * @property {number} seconds
 * @property {number} speech_seconds
 * @property {number|null} level_db
 * @property {number} peak_db
 * @property {number} noise_db
 * @property {number} clipped_share  0..1
 * @property {VoiceFinding[]} problems
 * @property {VoiceFinding[]} warnings
 *
 * @typedef {object} VoiceProfile
 * @property {string} id
 * @property {string} name
 * @property {string|null} language
 * @property {boolean} has_transcript
 * @property {number} seconds
 * @property {string[]} engines  that can speak with it now
 * @property {string} needs  what it takes, where none can
 * @property {VoiceCheck} [check]
 *
 * @typedef {object} SessionInfo
 * @property {string} id
 * @property {string} token
 * @property {string} avatar
 * @property {number} width
 * @property {number} height
 * @property {number} fps
 * @property {{self: string, whep: string, websocket: string}} links
 * @property {RTCIceServer[]} ice_servers
 *
 * @typedef {object} RenderJob
 * @property {string} id
 * @property {string} [token]
 * @property {"queued"|"running"|"done"|"failed"|"cancelled"} status
 * @property {number} progress  0..1
 * @property {string|null} [result_url]
 * @property {string|null} [captions_url]
 * @property {string|null} [message]  why it failed
 *
 * @typedef {object} JobStep
 * @property {string} name
 * @property {string} title
 * @property {"waiting"|"running"|"done"|"skipped"|"failed"} status
 * @property {number} progress  0..1
 * @property {number|null} [seconds]
 * @property {string|null} [preview_url]
 * @property {string[]} [notes]
 *
 * @typedef {object} Job
 * @property {string} id
 * @property {string} [token]  once, when it begins
 * @property {"queued"|"running"|"done"|"failed"|"cancelled"} status
 * @property {number} progress  0..1
 * @property {number} revision  another one after every change
 * @property {JobStep[]} steps
 * @property {string|null} [avatar]  its id
 * @property {Record<string, any>} [report]  what was judged
 * @property {string[]} [notes]
 * @property {string|null} [code]  why it failed
 * @property {string|null} [message]
 *
 * @typedef {Record<string, any> & {type: string}} ServerEvent  see the protocol page
 * @typedef {Record<string, any> & {type: string}} Command
 *
 * @typedef {object} SayOptions
 * @property {string} [voice]
 * @property {number} [speed]
 *
 * @typedef {object} MediaStats  what a transport knows of itself; absent where unknown
 * @property {string} [codec]
 * @property {number} [fps]
 * @property {number} [kbps]
 * @property {number} [width]
 * @property {number} [height]
 * @property {number} [rttMs]
 * @property {number} [bufferMs]  how long media waits here before it is played
 * @property {number} [dropped]  frames
 * @property {number} [underruns]  times that the sound ran dry
 * @property {number} [lost]  packets
 *
 * @typedef {object} TransportHooks
 * @property {(event: ServerEvent) => void} event
 * @property {(when: number) => void} picture  first picture, performance.now() milliseconds
 * @property {(reason: string, ended?: boolean) => void} lost
 *
 * @typedef {object} Transport
 * @property {string} name  "webrtc", "webcodecs" or "fmp4"
 * @property {"live"|"picture"} surface  which element of the stage shows it
 * @property {(signal: AbortSignal) => Promise<void>} start  resolves once it is set up; the picture follows
 * @property {() => Promise<void>} stop
 * @property {() => void} abandon  the page is going away: tell the server without waiting
 * @property {boolean} ready  whether commands can be sent
 * @property {(command: Command) => void} send
 * @property {(pcm: ArrayBuffer) => void} sendSound  PCM of what `say_audio` began
 * @property {number} behind  bytes that were sent and have not left yet
 * @property {(muted: boolean) => Promise<boolean>} setMuted  false where the browser does not allow sound yet
 * @property {() => void} hush  silence at once what is being said
 * @property {(slot: number) => number} delay  seconds until what was sent in this slot is heard
 * @property {() => Promise<MediaStats>} stats
 * @property {(signal: AbortSignal) => Promise<number|null>} nextSound  when the next sound after silence is heard
 *
 * @typedef {object} Surfaces
 * @property {HTMLVideoElement} live
 * @property {HTMLCanvasElement} picture
 *
 * @typedef {object} Probe  records what benchmarks read; see probe.js
 * @property {(video: HTMLVideoElement) => () => void} watchVideo
 * @property {(track: MediaStreamTrack) => () => void} watchAudio
 * @property {(slot: number, mediaTime: number, heard: number) => void} presented
 * @property {(clock: Record<string, any>) => void} audioClock
 * @property {(rms: number, heard: number, media: number) => void} sound
 */

export {};
