# syntax=docker/dockerfile:1
# The dashboard in a container: no GPU, not root, all its data in /workspace. docs/deploy.md says how to run it.

ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS packages

# PyTorch without CUDA, from its own index: the builds on PyPI include 4 GB of CUDA libraries.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
COPY requirements.lock /tmp/
# The lock has the hashes of PyPI's files, and PyTorch's index has others: torch and torchvision are installed in the
# locked versions, but what they contain is whatever that index serves. Everything else must have a locked hash, with
# streamlit[auth], which `st.login` requires. Nothing is built from source, since no lock names the tools of such builds.
# The CUDA libraries are left out; `pip check` fails if a package needs one.
WORKDIR /tmp
RUN sed -nE 's/^(torch|torchvision)==([^ ]+).*/\1==\2/p' requirements.lock > torch.txt \
    && pip install --no-deps --only-binary :all: --index-url "$TORCH_INDEX" -r torch.txt
RUN awk '/^[a-z]/ { skip = /^(torch|torchvision|triton|cuda-|nvidia-)/ } !skip' requirements.lock > others.lock \
    && pip install --require-hashes --only-binary :all: -r others.lock \
    && pip check
# Remove headers, static libraries and the packages' tests.
ARG PYTHON
WORKDIR /venv/lib/python${PYTHON}/site-packages
RUN rm -rf torch/include pyarrow/include pyarrow/tests pandas/tests numba/tests sympy/*/tests \
    && find . -name '*.a' -delete \
    && pip uninstall --yes pip

FROM python:${PYTHON}-slim

# Group 0 with the user's permissions: platforms that run containers under an arbitrary user id use that group.
RUN useradd --uid 1000 --gid 0 --home-dir /app --no-create-home --shell /usr/sbin/nologin extexify \
    && install -d -o 1000 -g 0 -m 0775 /workspace /var/cache/extexify

ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    EXTEXIFY_WORKSPACE=/workspace \
    NUMBA_CACHE_DIR=/var/cache/extexify \
    STREAMLIT_SERVER_HEADLESS=true \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0

WORKDIR /app
COPY --from=packages /venv /venv
COPY . .
# Modification times in whole seconds, because layers store no fractions, and Numba's cache is invalidated if they change.
RUN find . -exec touch -d "@$(date +%s)" {} + && python -m compileall -q app.py pages extexify

USER 1000
# Fill Numba's cache, so that the first visitor doesn't wait; another processor type recompiles once, for 10 s.
RUN python -c "from extexify.model.classifier import Classifier as C; from extexify.workspace.paths import default_model as m; C.load(m()).warm_up(); from extexify.drawing import link; link.warm_up()" \
    && chmod -R g=u /var/cache/extexify

EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["python", "tools/health.py"]
ENTRYPOINT ["streamlit", "run", "app.py"]
