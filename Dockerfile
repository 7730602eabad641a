# syntax=docker/dockerfile:1
# The dashboard in a container: no GPU, not root, all its data in /workspace. docs/deploy.md says how to run it.

ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS packages

# PyTorch without CUDA, from its own index: the builds of PyPI bring 4 GB of CUDA along.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
COPY requirements.txt /tmp/
RUN grep -E '^torch' /tmp/requirements.txt > /tmp/torch.txt \
    && pip install --index-url "$TORCH_INDEX" -r /tmp/torch.txt
# With what `st.login` needs.
RUN pip install -r /tmp/requirements.txt 'streamlit[auth]'
# What only compilers and the packages' own tests read.
ARG PYTHON
WORKDIR /venv/lib/python${PYTHON}/site-packages
RUN rm -rf torch/include pyarrow/include pyarrow/tests pandas/tests numba/tests sympy/*/tests \
    && find . -name '*.a' -delete \
    && pip uninstall --yes pip

FROM python:${PYTHON}-slim

# Group 0, and its rights the user's: platforms that give a container a user number of their own keep that group.
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
# Whole seconds, which layers keep: Numba knows by a file's time whether what it has compiled is still right.
RUN find . -exec touch -d "@$(date +%s)" {} + && python -m compileall -q app.py pages extexify

USER 1000
# Compiled before the first visitor waits for it; on another kind of processor it is compiled once more, for 10 s.
RUN python -c "from extexify.model.classifier import Classifier as C; from extexify.workspace.paths import default_model as m; C.load(m()).warm_up(); from extexify.drawing import link; link.warm_up()" \
    && chmod -R g=u /var/cache/extexify

EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["python", "tools/health.py"]
ENTRYPOINT ["streamlit", "run", "app.py"]
