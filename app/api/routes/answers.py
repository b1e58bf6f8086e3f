"""Answers of writes as responses."""

from fastapi import Response

from app.api.writes import Answer


def answered(answer: Answer) -> Response:
    """A write's answer, as it is or as it was the first time."""
    return Response(answer.body, status_code=answer.status, headers=dict(answer.headers))
