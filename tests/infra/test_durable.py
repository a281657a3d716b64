"""Large files come to the disk in pieces, and others have their turns in between."""

from infra.durable import PAUSE_S_MAX, PIECE_BYTES, Paced


def test_a_pause_follows_each_piece_and_is_bounded(tmp_path):
    pauses = []
    with (tmp_path / "large").open("wb") as out:
        paced = Paced(out.fileno(), sleep=pauses.append)
        for _ in range(5):
            out.write(b"x" * (PIECE_BYTES // 2))
            paced.wrote(PIECE_BYTES // 2)

    assert 2 == len(pauses)
    assert all(0 < pause <= PAUSE_S_MAX for pause in pauses)
