"""The ledger keeps every photo's latest attempt, whatever was written when."""

import re
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from packshot.ledger import ShardLedger, encode
from packshot.records import BatchRef, LedgerRow, Outcome, photo_id
from packshot.run import new_run_id
from packshot.store import FolderStore

BATCH = BatchRef("store", "run-1", 0, 0, 0, 2)


def row(photo: str, outcome: Outcome = Outcome.OK, **facts: object) -> LedgerRow:
    return LedgerRow(photo, "ocr", outcome, **facts)


def test_rows_survive_a_new_process(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    rows = [row("a", digest="d", seconds=0.5, key="k"), row("b", Outcome.FAILED, code="timeout", retryable=True)]
    ShardLedger(store, "run-1", 0).append(BATCH, "ocr", rows)
    assert ShardLedger(store, "run-1", 0).rows("ocr") == {"a": rows[0], "b": rows[1]}


def test_the_latest_attempt_wins_before_and_after_compaction(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    ledger = ShardLedger(store, "run-1", 0)
    ledger.append(BATCH, "ocr", [row("a"), row("b", Outcome.FAILED, code="timeout", retryable=True)])
    ledger.append(BATCH, "ocr", [row("b", attempts=2)])
    for _ in range(2):
        found = ShardLedger(store, "run-1", 0).rows("ocr")
        assert (found["a"].attempts, found["b"].attempts, found["b"].outcome) == (1, 2, Outcome.OK)
        ledger.compact()
    assert store.children("runs/run-1/ledger/") == ["00000", "00000.parquet"]
    assert store.children("runs/run-1/ledger/00000/") == []


def test_ten_attempts_are_ordered_as_numbers(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    ledger = ShardLedger(store, "run-1", 0)
    for attempt in range(1, 12):
        ledger.append(BATCH, "ocr", [row("a", attempts=attempt, message=str(attempt))])
    assert ShardLedger(store, "run-1", 0).rows("ocr")["a"].message == "11"


def test_a_part_of_the_same_attempt_adds_to_what_is_there(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    ShardLedger(store, "run-1", 0).append(BATCH, "ocr", [row("a")])
    ShardLedger(store, "run-1", 0).append(BATCH, "ocr", [row("b")])
    assert set(ShardLedger(store, "run-1", 0).rows("ocr")) == {"a", "b"}


def test_a_kill_between_compaction_and_clean_up_loses_nothing(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    ledger = ShardLedger(store, "run-1", 0)
    ledger.append(BATCH, "ocr", [row("a"), row("b")])
    store.put("runs/run-1/ledger/00000.parquet", encode(ledger.all_rows()))  # and killed before the parts go
    assert set(ShardLedger(store, "run-1", 0).rows("ocr")) == {"a", "b"}


@given(st.text(), st.text())
def test_photo_ids_are_stable_hex_for_any_text(sku: str, url: str) -> None:
    assert re.fullmatch("[0-9a-f]{32}", photo_id(sku, url))
    assert photo_id(sku, url) == photo_id(sku, url)


def test_photo_ids_keep_sku_and_url_apart() -> None:
    assert photo_id("ab", "c") != photo_id("a", "bc")


@given(st.text(max_size=80))
def test_run_ids_are_safe_path_segments(name: str) -> None:
    run_id = new_run_id(name, datetime(2026, 11, 22, 14, 44, 10, 123000, tzinfo=UTC))
    assert re.fullmatch(r"[a-z0-9-]+-20261122T144410123Z", run_id)
