// Runs inside the page: notes flashes and sound of the test card as they leave the decoders.
() => {
  const video = [...document.querySelectorAll("video")].find((v) => v.srcObject);
  const canvas = new OffscreenCanvas(4, 4);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const tap = { frames: [], sound: [] };
  const frame = (now, data) => {
    context.drawImage(video, 32, 128, 64, 64, 0, 0, 4, 4);
    const bright = context.getImageData(1, 1, 1, 1).data[1] > 128;
    tap.frames.push([data.expectedDisplayTime, bright]);
    video.requestVideoFrameCallback(frame);
  };
  video.requestVideoFrameCallback(frame);
  const track = video.srcObject.getAudioTracks()[0].clone();
  const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
  (async () => {
    const buffer = new Float32Array(48000);
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const now = performance.now();
      const { numberOfFrames: count, sampleRate: rate } = value;
      value.copyTo(buffer, { planeIndex: 0, format: "f32-planar" });
      value.close();
      let first = -1;
      let last = -1;
      for (let i = 0; i < count; i++) {
        if (Math.abs(buffer[i]) > 0.05) {
          if (first < 0) first = i;
          last = i;
        }
      }
      // A chunk is pulled when its first sample is due for the output.
      tap.sound.push([now, first < 0 ? null : now + (first / rate) * 1e3, last < 0 ? null : now + (last / rate) * 1e3]);
    }
  })();
  window.__tap = tap;
}
