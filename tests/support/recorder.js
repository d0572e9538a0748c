// Runs before the page's own scripts: keeps copies of the pictures that the page shows, with the moment each was shown.
// `media` is the place of each in the stream. They are turned into JPEG only when they are fetched, so that recording takes little time from playing.
(() => {
  const QUALITY = 0.95;
  let on = false;
  let kept = [];
  const keep = (picture, time, media) => {
    kept.push(createImageBitmap(picture).then((bitmap) => ({ time, media, bitmap })));
  };

  // WebCodecs: the page draws each frame onto its canvas.
  const draw = CanvasRenderingContext2D.prototype.drawImage;
  CanvasRenderingContext2D.prototype.drawImage = function (...given) {
    draw.apply(this, given);
    if (on && given[0] instanceof VideoFrame) keep(this.canvas, performance.now(), given[0].timestamp / 1000);
  };

  // WebRTC and fMP4: frames of the video element.
  function watch() {
    const video = document.querySelector("#live");
    const frame = (_now, { expectedDisplayTime, rtpTimestamp, mediaTime }) => {
      if (!on) return;
      keep(video, expectedDisplayTime, rtpTimestamp === undefined ? mediaTime * 1000 : rtpTimestamp / 90);
      video.requestVideoFrameCallback(frame);
    };
    video.requestVideoFrameCallback(frame);
  }

  const encode = async ({ time, media, bitmap }) => {
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
    const reader = new FileReader();
    await new Promise((resolve) => {
      reader.onload = resolve;
      reader.readAsDataURL(blob);
    });
    return { time, media, jpeg: reader.result.split(",")[1] };
  };

  window.recorder = {
    start() {
      on = true;
      kept = [];
      watch();
    },
    async stop() {
      on = false;
      const pictures = [];
      for (const each of await Promise.all(kept)) pictures.push(await encode(each));
      kept = [];
      return pictures;
    },
  };
})();
