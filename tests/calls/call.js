// A video call with itself: camera -> virtual background -> VP8 over two peer connections -> the page.
// The page shows what the far end receives; document.title says how the call is going, once a second, because
// a title can be read from outside the browser without a debugging port.

const TITLE = "Backroom call";
// What common clients send at 640x360.
const MAX_BITRATE_BIT_S = 1_500_000;

const wanted = new URLSearchParams(location.search);
const width = Number(wanted.get("width"));
const height = Number(wanted.get("height"));

function failed(reason) {
  document.title = `${TITLE} failed: ${reason?.message ?? reason}`;
}

async function backgroundProcessor() {
  const picture = new Image();
  picture.src = "backdrop";
  await picture.decode();
  const processor = new Twilio.VideoProcessors.VirtualBackgroundProcessor({
    assetsPath: "/package/",
    backgroundImage: picture,
    fitType: "Cover",
  });
  await processor.loadModel();
  return processor;
}

// Every frame waits for its own mask: what leaks is the product's doing (soft mask edges, hysteresis), not ours.
function replaceBackground(track, processor) {
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("bitmaprenderer");
  const camera = new MediaStreamTrackProcessor({ track });
  const composed = new MediaStreamTrackGenerator({ kind: "video" });
  const transform = new TransformStream({
    async transform(frame, controller) {
      const { timestamp } = frame;
      await processor.processFrame(frame, canvas);
      frame.close();
      controller.enqueue(new VideoFrame(canvas, { timestamp }));
    },
  });
  camera.readable.pipeThrough(transform).pipeTo(composed.writable).catch(failed);
  return composed;
}

// Both ends are on this machine, so every address they find is its own and the kernel delivers over loopback.
function exchangeCandidates(from, to) {
  from.onicecandidate = ({ candidate }) => { to.addIceCandidate(candidate ?? undefined).catch(failed); };
}

async function startCall(track, video) {
  const near = new RTCPeerConnection();
  const far = new RTCPeerConnection();
  exchangeCandidates(near, far);
  exchangeCandidates(far, near);
  far.ontrack = (event) => { video.srcObject = new MediaStream([event.track]); };
  const transceiver = near.addTransceiver(track, { sendEncodings: [{ maxBitrate: MAX_BITRATE_BIT_S }] });
  transceiver.setCodecPreferences(
    RTCRtpReceiver.getCapabilities("video").codecs.filter(({ mimeType }) => mimeType === "video/VP8"),
  );
  await near.setLocalDescription();
  await far.setRemoteDescription(near.localDescription);
  await far.setLocalDescription();
  await near.setRemoteDescription(far.localDescription);
  // Left alone the call starts at a quarter of the pixels, takes 13 s to full size and may shrink again under
  // load: quality and frame rate shall give way instead. The first frames are coarse and sharpen within seconds.
  await transceiver.sender.setParameters({
    ...transceiver.sender.getParameters(), degradationPreference: "maintain-resolution",
  });
  return far;
}

async function showProgress(far, video) {
  for (const report of (await far.getStats()).values()) {
    if (report.type === "inbound-rtp") {
      const rate = Math.round(report.framesPerSecond ?? 0);
      const lost = (report.framesDropped ?? 0) + (report.packetsLost ?? 0);
      document.title = `${TITLE} ${video.videoWidth}x${video.videoHeight} ${rate} fps `
        + `${report.framesDecoded ?? 0} frames ${lost} lost at ${screenX},${screenY}`;
    }
  }
}

async function main() {
  const video = document.getElementById("received");
  video.style.width = `${width}px`;
  video.style.height = `${height}px`;
  const camera = await navigator.mediaDevices.getUserMedia({ video: { width: { exact: width }, height: { exact: height } } });
  const composed = replaceBackground(camera.getVideoTracks()[0], await backgroundProcessor());
  const far = await startCall(composed, video);
  setInterval(() => showProgress(far, video).catch(failed), 1000);
}

addEventListener("error", (event) => failed(event.message));
main().catch(failed);
