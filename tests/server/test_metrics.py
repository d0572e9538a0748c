from server.metrics import Metrics
from streaming.observer import Observer


def value(metrics: Metrics, name: str, **labels: str) -> float:
    found = metrics.registry.get_sample_value(name, labels)
    assert found is not None, name
    return found


def test_what_the_line_reports_is_counted():
    metrics = Metrics(process=False)
    observer: Observer = metrics
    observer.session_opened()
    observer.session_opened()
    observer.session_closed()
    observer.utterance_started(0.12, "hibari")
    observer.utterance_ended("completed")
    observer.slot_sent(0.003)
    observer.slots_skipped(3)
    observer.interrupted()
    observer.engine_fallback("hibari")
    observer.engine_trouble("memory_low", "musetalk")
    observer.face_late()
    observer.performer_restarted()
    observer.sound_dropped(0.08, "quiet")
    observer.sound_late()
    assert value(metrics, "lipstream_sessions") == 1
    assert value(metrics, "lipstream_sessions_opened_total") == 2
    assert value(metrics, "lipstream_utterance_latency_seconds_bucket", engine="hibari", le="0.1") == 0
    assert value(metrics, "lipstream_utterance_latency_seconds_bucket", engine="hibari", le="0.15") == 1
    assert value(metrics, "lipstream_utterances_total", reason="completed") == 1
    assert value(metrics, "lipstream_utterances_total", reason="failed") == 0
    assert value(metrics, "lipstream_slot_late_seconds_bucket", le="0.005") == 1
    assert value(metrics, "lipstream_slots_skipped_total") == 3
    assert value(metrics, "lipstream_interrupts_total") == 1
    assert value(metrics, "lipstream_engine_fallbacks_total", engine="hibari") == 1
    assert value(metrics, "lipstream_engine_troubles_total", code="memory_low", engine="musetalk") == 1
    assert value(metrics, "lipstream_faces_late_total") == 1
    assert value(metrics, "lipstream_performer_restarts_total") == 1
    assert value(metrics, "lipstream_sound_dropped_seconds_total", reason="quiet") == 0.08
    assert value(metrics, "lipstream_sound_dropped_seconds_total", reason="backlog") == 0
    assert value(metrics, "lipstream_sound_late_total") == 1


def test_two_servers_in_one_process_count_apart():
    one, other = Metrics(process=False), Metrics(process=False)
    one.session_opened()
    assert value(other, "lipstream_sessions") == 0


def test_viewers_and_waiting_renders_are_read_when_asked():
    metrics = Metrics(process=False)
    viewers = [1]
    metrics.watch(lambda: viewers[0], lambda: 5, lambda kind, status: 3 if kind == "avatar" else 0)
    viewers[0] = 7
    metrics.job_ended("avatar", "failed")
    assert b"lipstream_viewers 7.0" in metrics.text()
    assert b"lipstream_renders_waiting 5.0" in metrics.text()
    assert value(metrics, "lipstream_jobs", kind="avatar", status="running") == 3
    assert value(metrics, "lipstream_jobs", kind="render", status="queued") == 0
    assert value(metrics, "lipstream_jobs_ended_total", kind="avatar", status="failed") == 1
    assert value(metrics, "lipstream_jobs_ended_total", kind="render", status="done") == 0
