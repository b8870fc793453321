"""Sentences part into topics while a BERT learns them.

A small BERT, trained by Hugging Face's `Trainer`, learns to tell which of four topics a sentence is
of. The callback records its pooled output of 64 numbers at every step; `classes` draws them along
the axes in which the means of the topics differ most.

    latentviz render sentences.npz -o film.mp4 --project classes --dims 0,1
    latentviz view sentences.npz -o viewer.html --project classes --dims 0,1
"""

import random

import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

import latentviz
from latentviz.adapters.transformers import RecorderCallback

TOPICS = {
    "weather": ("rain wind storm cloud sun frost", "falls blows clears gathers lifts"),
    "cooking": ("soup bread sauce onion dough stew", "simmers bakes rises browns cools"),
    "music": ("violin drum choir piano song flute", "sounds swells fades opens repeats"),
    "sport": ("runner team keeper coach crowd ball", "scores jumps waits turns wins"),
}
WHEN = ["today", "tonight", "slowly", "again", "once more", "before noon", "for a while"]


def sentence(topic):
    """Such as ``the violin swells slowly and the crowd waits``: now and then of two topics."""
    nouns, verbs = (words.split() for words in TOPICS[topic])
    other = random.choice(list(TOPICS)) if random.random() < 0.3 else topic
    words = ["the", random.choice(nouns), random.choice(verbs), random.choice(WHEN)]
    return [*words, "and", "the", random.choice(TOPICS[other][0].split()), random.choice(WHEN)]


random.seed(0)
torch.manual_seed(0)
topics = list(TOPICS)
labels = torch.tensor([n % len(topics) for n in range(1200)])
texts = [sentence(topics[label]) for label in labels]
vocabulary = {word: n for n, word in enumerate(sorted({w for text in texts for w in text}))}
tokens = torch.tensor([[vocabulary[word] for word in text] for text in texts])
dataset = [{"input_ids": row, "labels": label} for row, label in zip(tokens, labels, strict=True)]

config = BertConfig(
    vocab_size=len(vocabulary), hidden_size=64, num_hidden_layers=2, num_attention_heads=4,
    intermediate_size=128, num_labels=len(topics), id2label=dict(enumerate(topics)),
)  # fmt: skip
model = BertForSequenceClassification(config)
recording = RecorderCallback(
    "sentences.npz",
    layer="bert.pooler",
    probe=tokens[:400],
    classes=labels[:400],
    states="none",
)
arguments = TrainingArguments(
    "trained", num_train_epochs=3, per_device_train_batch_size=32, learning_rate=1e-3,
    report_to=[], save_strategy="no", disable_tqdm=True, logging_strategy="no",
)  # fmt: skip
Trainer(model, arguments, train_dataset=dataset, callbacks=[recording]).train()

look = {"project": "classes", "dims": [(0, 1)]}
latentviz.render("sentences.npz", "film.mp4", size=(1280, 720), **look)
latentviz.view("sentences.npz", "viewer.html", **look)
