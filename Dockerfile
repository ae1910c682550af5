# docker build -t gtm .
# docker run -p 127.0.0.1:8765:8765 -v "$PWD:/specs:ro" gtm serve /specs/openapi.yaml --host 0.0.0.0
FROM python:3.11-slim

WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY gtm ./gtm
RUN pip install --no-cache-dir '.[all]' && useradd --create-home gtm

USER gtm
WORKDIR /home/gtm
ENV GTM_HOME=/home/gtm/.cache/gtm
# The weights become part of the image, so that a container needs no network.
RUN gtm models fetch

EXPOSE 8765
ENTRYPOINT ["gtm"]
CMD ["--help"]
