"""Answers the question that a VM waits with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from service.actions._targeted import CHECK, CheckContext, info, refuse
from service.actions._vm import VmAction, VmParams, vm_checks
from service.api.models import Check
from service.jobs.action import JobControl
from service.vsphere.vms import Question, VmState, answer

ANSWER = "answer"


class AnswerVm(VmParams):
    """Which VM, and the answer."""

    choice: str = Field(default="", max_length=200, description="The key or label of a choice; a dry run lists them.")


class AnswerQuestion(VmAction[AnswerVm]):
    """Answers the very question that was looked at, and no other."""

    name = "answer-question"
    summary = "Answer the question that a VM waits with; a dry run shows it and the choices."
    steps = (CHECK, ANSWER)
    params = AnswerVm

    async def checks(self, context: CheckContext[VmState, AnswerVm]) -> Iterable[Check]:
        """The question, and what may be answered."""
        vm = context.state
        found = [each for each in vm_checks(vm) if each.rule != "question"]
        if vm.question is None:
            return [*found, refuse("no-question", f"{vm.name} asks nothing.")]
        choices = ", ".join(f"{key} ({label})" for key, label in vm.question.choices.items())
        found.append(info("question", f"{vm.name} asks: {vm.question.text} Choices: {choices}."))
        if key_of(vm.question, context.params.choice) is None:
            given = f"there is no choice {context.params.choice!r}" if context.params.choice else "choose one"
            found.append(refuse("choice", f"To answer {vm.name}, {given}: choice= one of {choices}."))
        return found

    async def act(self, job: JobControl, context: CheckContext[VmState, AnswerVm]) -> dict[str, Any]:
        """One call; answered meanwhile by somebody else is as good."""
        vm = context.state
        assert vm.question is not None
        question, key = vm.question, key_of(vm.question, context.params.choice)
        assert key is not None

        async def give() -> dict[str, Any]:
            answered = await answer(context.session, vm.moref, question.id, key)
            if not answered:
                return {"detail": "The question waits no longer; it was answered."}
            return {"detail": f"Answered {question.choices[key]}. It cannot be undone."}

        await job.step(ANSWER, give)
        return {"question": question.text, "answer": question.choices[key]}


def key_of(question: Question, choice: str) -> str | None:
    """The key of the choice that is meant by its key or, in any case, by its label."""
    if choice in question.choices:
        return choice
    fitting = [key for key, label in question.choices.items() if label.lower() == choice.strip().lower()]
    return fitting[0] if len(fitting) == 1 else None


ACTION = AnswerQuestion()
