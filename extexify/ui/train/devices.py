"""Devices and processes of a training: the choice, those of an earlier run, and the command for several machines."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from extexify.core.processes import available_cores
from extexify.training.launch import local_gpus, torchrun_command
from extexify.workspace import jobs

_DEVICES = {
    "auto": "auto: a GPU if there is one",
    "cpu": "cpu",
    "cuda": "cuda: an NVIDIA GPU",
    "mps": "mps: an Apple GPU",
}

_ALL_GPUS = "gpus"


def choose_devices() -> list[str]:
    """Show the choice of a device; returns it as options of the command line.

    All GPUs are offered where there are several, and a number of processes where the device is the CPU.
    """
    gpus = local_gpus()
    devices = {_ALL_GPUS: f"all {gpus} NVIDIA GPUs", **_DEVICES} if gpus > 1 else _DEVICES
    device = st.selectbox(
        "Device", list(devices), index=list(devices).index("auto"), format_func=devices.__getitem__,
        key="train-device", persist_state="session", width=280,
    )  # fmt: skip
    if device == _ALL_GPUS:
        return ["--device=cuda", f"--processes={gpus}"]
    if device != "cpu" or available_cores() == 1:
        return [f"--device={device}"]
    processes = st.number_input(
        "Processes", 1, available_cores(), 1, key="train-processes", persist_state="session", width=170,
        help="They share the cores and every batch. A single process uses all cores, too.",
    )  # fmt: skip
    return ["--device=cpu", *([f"--processes={processes}"] if processes > 1 else [])]


def devices_of_run(run: str) -> list[str]:
    """The options for device and processes of the newest job that trained a run; empty if no such job is stored."""
    arguments = next((job.arguments for job in jobs.list_jobs("train") if f"runs/{run}" in job.writes), ())
    return [option for option in arguments if option.startswith(("--device=", "--processes="))]


def show_command(options: Sequence[str]) -> None:
    """Show the command that trains with these options on several machines; the dashboard itself can't start that."""
    with st.expander("On several machines", icon=":material/lan:", key="train-machines"):
        machines = st.number_input("Machines", 2, 1000, 2, key="train-machine-count", width=170)
        st.markdown(
            "Copy the dataset to each machine, into the same place, and run this command on each. `HOST` is the name "
            "of machine 0, which writes the run; `NUMBER` is 0, 1, 2, …, another one on each machine."
        )
        command = torchrun_command(options, machines=int(machines), on_gpus=local_gpus() > 0)
        st.code(command, language="sh", wrap_lines=True)
