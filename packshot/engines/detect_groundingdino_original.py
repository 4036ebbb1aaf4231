"""The published groundingdino_swint_ogc.pth through the package groundingdino-py, made to work beside transformers 5.

The package leans on parts of BERT that transformers 5 no longer has, and on a model hub; both are replaced here. It
pins an old supervision and brings a second OpenCV, so it is the extra `original`, for an environment of its own.
`detect_grounding_dino` does the same work: the same network and weights in `transformers`' port.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from packshot.artifacts import Box
from packshot.device import CpuNotice, ModelBatch, choose_device, residents
from packshot.engines.base import Engine
from packshot.engines.detect_grounding_dino import GroundingDino, GroundingDinoParams, phrase_spans, prompt_of
from packshot.errors import SettingError
from packshot.weights import find_weights, load_folder, read_state, revision_of

if TYPE_CHECKING:
    import torch


class OriginalGroundingDinoParams(GroundingDinoParams):
    weights: str = Field("groundingdino_swint_ogc", description="a name, or the path of the package's .pth")
    words_weights: str = Field(
        "grounding_dino_tiny", description="whose tokenizer and picture sizes to use: a name or a folder"
    )

    @property
    def weights_named(self) -> tuple[str, ...]:
        return self.weights, self.words_weights


class OriginalGroundingDino(GroundingDino):
    """GroundingDINO by its authors' own code. Always in float32."""

    name = "groundingdino_original"
    version = 2
    Params = OriginalGroundingDinoParams
    params: OriginalGroundingDinoParams

    def __init__(self, params: OriginalGroundingDinoParams):
        Engine.__init__(self, params)
        from transformers import GroundingDinoProcessor

        self._device = choose_device(params.device)
        self._processor = load_folder(GroundingDinoProcessor, params.words_weights)
        self._model = load_original(find_weights(params.weights), self._processor.tokenizer)
        self._batch = ModelBatch(params.batch)
        self._notice = CpuNotice(self.stage, self._device)

    @classmethod
    def weights_revision(cls, params: OriginalGroundingDinoParams) -> str:
        return f"{revision_of(params.weights)} {revision_of(params.words_weights)}"

    def _boxes(self, rows: list[tuple[np.ndarray, "torch.Tensor", list[str]]]) -> list[list[Box]]:
        """Photos go together only where they ask the same: with several prompts in a batch the package gives its
        attention heads one another's masks (`src_mask.repeat`), and results hang on the neighbours."""
        by_prompt: dict[str, list[int]] = {}
        for i, (_, _, phrases) in enumerate(rows):
            by_prompt.setdefault(prompt_of(phrases), []).append(i)
        results: dict[int, list[Box]] = {}
        for prompt, members in by_prompt.items():
            results |= zip(members, self._boxes_of(prompt, [rows[i] for i in members]), strict=True)
        return [results[i] for i in range(len(rows))]

    def _boxes_of(self, prompt: str, rows: list[tuple[np.ndarray, "torch.Tensor", list[str]]]) -> list[list[Box]]:
        import torch

        with torch.inference_mode(), residents.using([self._model], self._device, self.params.max_vram_gb):
            pixels = torch.cat([tensor for _, tensor, _ in rows]).to(self._device)
            out = self._model(pixels, captions=[prompt] * len(rows))
        ids = self._processor.tokenizer(prompt)["input_ids"][: out["pred_logits"].shape[-1]]
        full_stop = self._processor.tokenizer.convert_tokens_to_ids(".")
        results = []
        for i, (image, _, phrases) in enumerate(rows):
            logits, boxes = out["pred_logits"][i].float().cpu(), out["pred_boxes"][i].float().cpu()
            spans = phrase_spans(ids, full_stop, len(phrases))
            results.append(self.post_process(logits, boxes, image.shape[:2], phrases, spans))
        return results


def load_original(path: Path, tokenizer: Any) -> "torch.nn.Module":
    """The authors' network with the weights of a .pth, sized by them. Raises `SettingError`."""
    try:
        from groundingdino.models import build_model
        from groundingdino.util.slconfig import SLConfig
    except ImportError as error:
        raise SettingError(
            f"the package groundingdino-py is not usable here ({error}): `pip install 'packshot[full,original]'` in an "
            "environment of its own, or set detect.engine = 'grounding_dino'"
        ) from error
    import groundingdino

    found = read_state(path)
    state = {re.sub(r"^module\.", "", k): v for k, v in found.get("model", found).items()}
    settings = SLConfig.fromfile(str(Path(groundingdino.__file__).parent / "config" / "GroundingDINO_SwinT_OGC.py"))
    try:
        settings.enc_layers = _layers(state, "transformer.encoder.layers")
        settings.dec_layers = _layers(state, "transformer.decoder.layers")
        settings.num_queries = state["transformer.tgt_embed.weight"].shape[0]
        bert = _bert_config(state)
    except (KeyError, ValueError) as error:
        raise SettingError(f"{path} holds no weights of GroundingDINO: {error} is missing") from error
    settings.use_checkpoint = settings.use_transformer_ckpt = False
    with_transformers_5(bert, tokenizer)
    model = build_model(settings)
    missing, surplus = model.load_state_dict(state, strict=False)
    # Published files carry BERT's position ids, which are a constant, and labels for training.
    lacking = [k for k in missing if not k.endswith("position_ids")]
    if lacking:
        raise SettingError(f"{path} does not fit GroundingDINO: it lacks {lacking[0]} and {len(lacking) - 1} more")
    return model.eval().requires_grad_(False)


def with_transformers_5(bert_config: Any, tokenizer: Any) -> None:
    """Have groundingdino-py take its BERT and tokenizer from here, and call BERT as transformers 5 wants it."""
    import torch
    from groundingdino.models.GroundingDINO import groundingdino as network
    from groundingdino.util import get_tokenlizer
    from transformers import BertModel

    class Bert(torch.nn.Module):
        """The parts of BERT by the names that the published weights have; every phrase attends to itself only."""

        def __init__(self, bert_model: torch.nn.Module):
            super().__init__()
            self.config = bert_model.config
            self.embeddings, self.encoder, self.pooler = bert_model.embeddings, bert_model.encoder, bert_model.pooler

        def forward(
            self,
            input_ids: torch.Tensor,
            attention_mask: torch.Tensor,
            token_type_ids: torch.Tensor,
            position_ids: torch.Tensor,
        ) -> dict[str, torch.Tensor]:
            hidden = self.embeddings(input_ids=input_ids, token_type_ids=token_type_ids, position_ids=position_ids)
            closed = torch.zeros(attention_mask.shape, dtype=hidden.dtype, device=hidden.device)
            closed = closed.masked_fill(~attention_mask.bool(), torch.finfo(hidden.dtype).min)[:, None]
            return {"last_hidden_state": self.encoder(hidden, attention_mask=closed)[0]}

    network.BertModelWarper = Bert
    get_tokenlizer.get_tokenlizer = lambda name: tokenizer
    get_tokenlizer.get_pretrained_language_model = lambda name: BertModel(bert_config)


def _layers(state: dict[str, Any], prefix: str) -> int:
    return 1 + max(int(k[len(prefix) + 1 :].split(".")[0]) for k in state if k.startswith(f"{prefix}."))


def _bert_config(state: dict[str, Any]) -> Any:
    from transformers import BertConfig

    vocabulary, width = state["bert.embeddings.word_embeddings.weight"].shape
    return BertConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        num_hidden_layers=_layers(state, "bert.encoder.layer"),
        num_attention_heads=max(1, width // 64),
        intermediate_size=state["bert.encoder.layer.0.intermediate.dense.weight"].shape[0],
        max_position_embeddings=state["bert.embeddings.position_embeddings.weight"].shape[0],
    )
