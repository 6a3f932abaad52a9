"""Questions that a VM asks while a task of ours runs on it: the task waits until somebody answers.

A job says which question it is, and may answer it by a policy. Both are set around the work that starts a task, and are
seen by whoever waits for the task.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim, vmodl

LOCKED_DRIVE = "msg.cdromdisconnect.locked"
"""The message of the question whether to disconnect a CD-ROM drive that the guest has locked."""

Say = Callable[[str], None]
"""Gets the words about the question that a task waits on, and an empty text once it is answered."""
_SAY: ContextVar[Say | None] = ContextVar("say", default=None)
_POLICY: ContextVar[Mapping[str, str] | None] = ContextVar("policy", default=None)


class Question(BaseModel):
    """A question that a VM waits on; `choices` maps keys to labels, `messages` are the ids of its messages."""

    model_config = ConfigDict(frozen=True)

    id: str
    text: str
    choices: dict[str, str]
    messages: tuple[str, ...] = ()

    def in_words(self, vm: str) -> str:
        """What the VM with this name asks, and how to answer."""
        choices = ", ".join(f"{key} ({label})" for key, label in self.choices.items())
        return (
            f"{vm} asks, and the task waits for the answer: {self.text} Choices: {choices}. Answer it "
            f"(vmkops action answer-question {vm} choice=KEY), or cancel the job."
        )


@contextlib.contextmanager
def reporting(say: Say) -> Iterator[None]:
    """Report questions of VMs to `say` while tasks are waited for in this block."""
    token = _SAY.set(say)
    try:
        yield
    finally:
        _SAY.reset(token)


@contextlib.contextmanager
def answering(policy: Mapping[str, str]) -> Iterator[None]:
    """Answer questions while tasks are waited for in this block: `policy` maps the id of a message to a label."""
    token = _POLICY.set(policy)
    try:
        yield
    finally:
        _POLICY.reset(token)


def watched() -> bool:
    """Whether somebody in this context wants to know of questions."""
    return _SAY.get() is not None or bool(_POLICY.get())


def attend(vm: Any, name: str, asked: Any, *, reported: bool) -> bool:
    """Answer or report the question `asked` (runtime.question, None without one) of the VM with this name.

    `reported` is whether an earlier question was reported; returns whether one is now.
    """
    question, say = read_question(asked), _SAY.get()
    if question is not None and (key := _answer(question, _POLICY.get() or {})) is not None:
        try:
            vm.AnswerVM(questionId=question.id, answerChoice=key)
        except vim.fault.NotAuthenticated:
            raise
        except vmodl.MethodFault:
            pass  # somebody else was faster, or has to answer
        else:
            question = None
    if say is not None and (question is not None or reported):
        say(question.in_words(name) if question is not None else "")
    return question is not None


def read_question(asked: Any) -> Question | None:
    """The question of a VM as vSphere gives it in `runtime.question`."""
    if asked is None:
        return None
    return Question(
        id=asked.id,
        text=asked.text,
        choices={item.key: item.label for item in asked.choice.choiceInfo},
        messages=tuple(str(each.id) for each in asked.message or []),
    )


def _answer(question: Question, policy: Mapping[str, str]) -> str | None:
    """The key of the choice that the policy has for the question, whose text begins with the id of its message."""
    for message, label in policy.items():
        if message in question.messages or question.text.startswith(message):
            return next((key for key, each in question.choices.items() if each.lower() == label.lower()), None)
    return None
