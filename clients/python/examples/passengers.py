"""A table with texts and gaps, from scikit-learn to served answers.

Run it cell by cell, or as a whole:

    python examples/passengers.py ADDRESS KEY_FILE MODELS

MODELS is the folder of models that the server at ADDRESS serves.
"""

# %% A table such as people have: numbers, texts, and gaps in both.
import sys

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from linfa_serve import ApiKey, Classification, Client, InvalidInputError, concatenate, export

address, key_file, models = sys.argv[1:]
random = np.random.default_rng(1912)
passengers = pd.DataFrame(
    {
        "age": np.where(random.random(1000) < 0.2, np.nan, random.uniform(1, 80, 1000)),
        "fare": random.exponential(30, 1000),
        "sex": random.choice(["female", "male"], 1000),
        "port": random.choice(["C", "Q", "S"], 1000, p=[0.2, 0.1, 0.7]),
    }
)
passengers.loc[::50, "port"] = None
odds = (passengers["sex"] == "female") * 2.5 + passengers["fare"] / 60 + random.normal(size=1000)
survived = np.where(odds > 2, "yes", "no")

# %% Fit it, as ever.
numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
texts = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
columns = make_column_transformer((numbers, ["age", "fare"]), (texts, ["sex", "port"]))
forest = make_pipeline(columns, RandomForestClassifier(50, max_depth=8, random_state=0)).fit(passengers, survived)

# %% Export it. The sidecar lets it in once it has proven that it answers as scikit-learn does.
print(export(forest, passengers, models, name="passengers", version=1))

# %% Wait until it serves, and ask.
client = Client(address, ApiKey.file(key_file))
client.wait_for("passengers", 1)
answer = client.predict("passengers", passengers.head(5), expect=Classification)
print(answer.to_pandas())

# %% The same as scikit-learn says, on all rows, streamed in chunks.
whole = concatenate(client.predict_stream("passengers", passengers, chunk_rows=300, expect=Classification))
if whole.probabilities is not None:
    print("largest difference:", np.abs(whole.probabilities - forest.predict_proba(passengers)).max())
print("same labels:", (whole.labels == forest.predict(passengers)).mean())

# %% What does not fit is told by row and column.
try:
    client.predict("passengers", passengers.drop(columns="fare"))
except InvalidInputError as error:
    print(error)
client.close()
